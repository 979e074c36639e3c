// The writer against an API server of this file's own, which somebody else writes to as well.
#include "controller/loadbalancer/writer.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <map>
#include <mutex>
#include <optional>
#include <thread>

#include "controller/kube/client.hpp"
#include "tests/unit/controller/loadbalancer/api.hpp"

namespace steelyard::loadbalancer {
namespace {

using kube::ApiError;
using kube::ApiErrorKind;
using kube::ApiResult;
using nlohmann::json;

class FakeApi final : public kube::Client {
public:
    ApiResult<std::string> get(const std::string& target, const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        ++gets_;
        if (down_) return ApiError{ApiErrorKind::unreachable, 0, "nobody there"};
        if (target.starts_with("/api/v1/services?")) return page(target);
        if (!services_.contains(target)) return ApiError{ApiErrorKind::not_found, 404, "no such Service"};
        return services_[target].dump();
    }
    ApiResult<std::string> patch(const std::string& target, const std::string& body, std::string_view type,
                                 const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        const std::string name = target.ends_with("/status") ? target.substr(0, target.size() - 7) : target;
        if (refused_ && name.ends_with(*refused_)) return ApiError{ApiErrorKind::forbidden, 403, "denied"};
        json& object = services_.at(name);
        if (others_ > 0) {  // somebody else is faster
            --others_;
            object["metadata"]["resourceVersion"] = std::to_string(1000 + others_);
        }
        if (!apply(object, body, type)) return ApiError{ApiErrorKind::conflict, 409, "it was modified"};
        return object.dump();
    }
    ApiResult<std::string> create(const std::string&, const std::string&, const std::stop_token&) override {
        return ApiError{ApiErrorKind::forbidden, 403, "not allowed"};
    }
    ApiResult<std::string> replace(const std::string&, const std::string&, const std::stop_token&) override {
        return ApiError{ApiErrorKind::forbidden, 403, "not allowed"};
    }

    void add(const std::string& name, json object) {
        services_["/api/v1/namespaces/shop/services/" + name] = std::move(object);
    }
    json read(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return services_.at("/api/v1/namespaces/shop/services/" + name);
    }
    int gets() {
        const std::lock_guard lock(mutex_);
        return gets_;
    }
    void set(int others, std::optional<std::string> refused = {}, bool down = false) {
        const std::lock_guard lock(mutex_);
        others_ = others;
        refused_ = std::move(refused);
        down_ = down;
    }

private:
    // One Service a page.
    std::string page(const std::string& target) {
        const size_t at = target.find("continue=");
        const size_t index = at == std::string::npos ? 0 : std::stoul(target.substr(at + 9));
        auto one = services_.begin();
        std::advance(one, index);
        json list = {{"metadata", {{"resourceVersion", "9"}}}, {"items", json::array({one->second})}};
        if (index + 1 < services_.size()) list["metadata"]["continue"] = std::to_string(index + 1);
        return list.dump();
    }

    std::mutex mutex_;
    std::map<std::string, json> services_;
    int gets_ = 0;
    int others_ = 0;
    std::optional<std::string> refused_;
    bool down_ = false;
};

struct BalancerWriter : testing::Test {
    FakeApi api;
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
