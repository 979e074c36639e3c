#include "controller/kube/service_cidrs.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/unit/support/refusing_client.hpp"

namespace steelyard::kube {
namespace {

TEST(ServiceCidrs, OfAllObjectsSortedEachOnce) {
    auto cidrs = decode_service_cidrs(R"({"kind":"ServiceCIDRList","items":[
        {"metadata":{"name":"kubernetes"},"spec":{"cidrs":["fd00:10:96::/112","10.96.0.0/16"]}},
        {"metadata":{"name":"more"},"spec":{"cidrs":["10.97.0.0/16","10.96.0.0/16",7]}},
        {"spec":{}},{"spec":{"cidrs":"x"}},{"spec":7},{"spec":["cidrs"]},5]})");
    ASSERT_TRUE(cidrs) << cidrs.error().to_string();
    EXPECT_EQ(*cidrs, (std::vector<std::string>{"10.96.0.0/16", "10.97.0.0/16", "fd00:10:96::/112"}));
}

TEST(ServiceCidrs, WhatIsNoListIsAnError) {
    for (const char* text : {"", "[]", "{}", R"({"items":5})", "{\"items\":["})
        EXPECT_FALSE(decode_service_cidrs(text)) << text;
}

class Api final : public test::RefusingClient {
public:
    Answer get(const std::string& target, const std::stop_token&) override {
        EXPECT_TRUE(target.starts_with("/apis/networking.k8s.io/v1/servicecidrs")) << target;
        if (++asked_ < 3) return ApiError{ApiErrorKind::unreachable, 0, "nobody there"};
        return std::string(R"({"items":[{"spec":{"cidrs":["10.96.0.0/16"]}}]})");
    }

private:
    int asked_ = 0;
};

TEST(ServiceCidrs, AreAskedForAgainUntilThereIsAnAnswerAndAStopIsPrompt) {
    Api api;
    ServiceCidrs cidrs(api);
    EXPECT_TRUE(cidrs.current().empty());
    cidrs.start();
    const TimePoint deadline = Clock::now() + std::chrono::seconds(20);
    while (cidrs.current().empty() && Clock::now() < deadline) std::this_thread::sleep_for(Milliseconds(5));
    EXPECT_EQ(cidrs.current(), std::vector<std::string>{"10.96.0.0/16"});
    const TimePoint before = Clock::now();
    cidrs.stop();
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(10));
}

}  // namespace
}  // namespace steelyard::kube
