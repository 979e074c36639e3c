// The writer against an API server in memory, which somebody else writes to as well.
#include "controller/loadbalancer/writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "tests/unit/controller/loadbalancer/api.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;

struct BalancerWriter : testing::Test {
    FakeServices api;
    std::atomic<bool> leads{true};
    Writer writer{api,
                  [this] { return leads.load(); },
                  {.pace = Milliseconds(0), .retry_base = Milliseconds(1), .retry_limit = Milliseconds(5)}};

    template <class Condition>
    bool wait(Condition condition) {
        for (int i = 0; i < 2000 && !condition(); ++i) std::this_thread::sleep_for(Milliseconds(5));
        return condition();
    }
    bool drained() {
        return wait([this] { return writer.stats().waiting == 0; });
    }
};

TEST_F(BalancerWriter, BringsAServiceToItsAddressWhoeverElseWritesIt) {
    api.add("web", balanced_service());
    api.set(3);
    writer.start();
    writer.offer({"shop", "web"}, {"0b", {"192.0.2.7"}, 17});
    ASSERT_TRUE(drained());
    EXPECT_EQ(api.read("web")["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.7");
    EXPECT_EQ(writer.stats().written, 1U);
    EXPECT_EQ(writer.stats().failed, 0U) << "a conflict is read again, not a failure";
}

TEST_F(BalancerWriter, OneThatIsRefusedDoesNotHoldUpTheOthers) {
    api.add("a", balanced_service("a"));
    api.add("b", balanced_service("b"));
    api.set(0, "/a");
    writer.offer({"shop", "a"}, {"0b", {"192.0.2.7"}, 17});
    writer.offer({"shop", "b"}, {"0b", {"192.0.2.8"}, 18});
    writer.start();
    ASSERT_TRUE(wait([this] { return writer.stats().written == 1; }));
    EXPECT_EQ(api.read("b")["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.8");
    api.set(0);
    ASSERT_TRUE(drained());
    EXPECT_EQ(api.read("a")["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.7");
}

TEST_F(BalancerWriter, OneThatIsGoneIsForgotten) {
    writer.start();
    writer.offer({"shop", "gone"}, {"0b", {"192.0.2.7"}, 17});
    EXPECT_TRUE(drained());
    EXPECT_EQ(writer.stats().written, 0U);
}

TEST_F(BalancerWriter, WhoDoesNotLeadWritesNothing) {
    api.add("web", balanced_service());
    leads = false;
    writer.start();
    writer.offer({"shop", "web"}, {"0b", {"192.0.2.7"}, 17});
    EXPECT_EQ(writer.stats().waiting, 0U);
    EXPECT_EQ(api.gets(), 0);
}

TEST_F(BalancerWriter, TheSurveyIsRepeatedUntilItIsWhole) {
    json held = balanced_service("a");
    held["metadata"]["finalizers"] = {"steelyard.dev/vip"};
    api.add("a", held);
    api.add("b", balanced_service("b"));
    held["metadata"]["name"] = "c";
    api.add("c", held);
    api.set(0, {}, true);
    std::mutex mutex;
    std::vector<std::string> found;
    writer.survey([&](std::vector<kube::Service> services) {
        const std::lock_guard lock(mutex);
        for (const auto& service : services) found.push_back(service.meta.name);
    });
    writer.start();
    ASSERT_TRUE(wait([this] { return api.gets() >= 3; }));
    api.set(0);
    ASSERT_TRUE(drained());
    const std::lock_guard lock(mutex);
    EXPECT_EQ(found, (std::vector<std::string>{"a", "c"})) << "those that may have an address";
}

}  // namespace
}  // namespace steelyard::loadbalancer
