// Reconciler and writer joined, on a thread of the test's own: the posts and the timer are run by hand.
#include "controller/loadbalancer/manager.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <thread>

#include "controller/kube/client.hpp"
#include "controller/kube/decode.hpp"
#include "tests/unit/controller/loadbalancer/api.hpp"

namespace steelyard::loadbalancer {
namespace {

using kube::ApiError;
using kube::ApiErrorKind;
using kube::ApiResult;
using nlohmann::json;
using store::Kind;

// Lists Services; takes every patch for good and keeps nothing of it.
class ListOnly final : public kube::Client {
public:
    ApiResult<std::string> get(const std::string& target, const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        if (target.starts_with("/api/v1/services?")) {
            ++lists_;
            return json{{"metadata", {{"resourceVersion", "9"}}}, {"items", services_}}.dump();
        }
        for (const json& one : services_) {
            if (target.ends_with("/" + one["metadata"]["name"].get<std::string>())) return one.dump();
        }
        return ApiError{ApiErrorKind::not_found, 404, "no such Service"};
    }
    ApiResult<std::string> patch(const std::string& target, const std::string& body, std::string_view type,
                                 const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        for (json& one : services_) {
            if (target.find("/" + one["metadata"]["name"].get<std::string>()) == std::string::npos) continue;
            if (!apply(one, body, type)) return ApiError{ApiErrorKind::conflict, 409, "it was modified"};
            return one.dump();
        }
        return ApiError{ApiErrorKind::not_found, 404, "no such Service"};
    }
    ApiResult<std::string> create(const std::string&, const std::string&, const std::stop_token&) override {
        return ApiError{ApiErrorKind::forbidden, 403, "not allowed"};
    }
    ApiResult<std::string> replace(const std::string&, const std::string&, const std::stop_token&) override {
        return ApiError{ApiErrorKind::forbidden, 403, "not allowed"};
    }

    void set(json services) {
        const std::lock_guard lock(mutex_);
        services_ = std::move(services);
    }
    json services() {
        const std::lock_guard lock(mutex_);
        return services_;
    }
    int lists() {
        const std::lock_guard lock(mutex_);
        return lists_;
    }

private:
    std::mutex mutex_;
    json services_ = json::array();
    int lists_ = 0;
};

struct Nobody final : events::Sink {
    void record(events::EventSpec) override {}
};

struct ManagerTest : testing::Test {
    ListOnly api;
    Nobody events;
    status::Writer statuses{api, [] { return true; }};
    store::ClusterState state;
    std::mutex mutex;
    std::deque<std::function<void()>> posted;
    std::function<void()> later;
    Manager manager{{api, statuses, events, [] { return true; },
                     [this](std::function<void()> job) {
                         const std::lock_guard lock(mutex);
                         posted.push_back(std::move(job));
                     },
                     [this](Milliseconds, std::function<void()> job) { later = std::move(job); },
                     [this] { manager.update(state, state.take_changes()); }}};

    ~ManagerTest() override { manager.stop(); }

    // Runs what is posted until the condition holds.
    template <class Condition>
    bool run_until(Condition condition) {
        for (int i = 0; i < 2000 && !condition(); ++i) {
            std::function<void()> job;
            {
                const std::lock_guard lock(mutex);
                if (!posted.empty()) {
                    job = std::move(posted.front());
                    posted.pop_front();
                }
            }
            if (job) {
                job();
            } else {
                std::this_thread::sleep_for(Milliseconds(5));
            }
        }
        return condition();
    }
};

TEST_F(ManagerTest, SurveysAgainWhenTheWatchDoesNotShowWhatWasSurveyed) {
    for (const Kind kind : {Kind::service, Kind::address_pool, Kind::advertisement}) state.begin_list(kind);
    state.upsert(kube::decode_pool({{"metadata", {{"name", "front"}}}, {"spec", {{"addresses", {"192.0.2.7/32"}}}}},
                                   policy::Unknown::refuse));
    json web = balanced_service("web");
    web["metadata"]["uid"] = "uid-web";
    const auto page = json{{"metadata", {{"resourceVersion", "1"}}}, {"items", json::array({web})}}.dump();
    ASSERT_TRUE(kube::decode_list<kube::Service>(page, [&](kube::Service&& one) { state.upsert(std::move(one)); }));
    for (const Kind kind : {Kind::service, Kind::address_pool, Kind::advertisement}) state.end_list(kind);
    json forced = balanced_service("forced");
    forced["metadata"]["finalizers"] = {"steelyard.dev/vip"};
    forced["status"]["loadBalancer"]["ingress"] = json::parse(R"([{"ip": "192.0.2.7", "ipMode": "Proxy"}])");
    api.set(json::array({web, forced}));

    manager.start();
    manager.leadership_changed(true);
    ASSERT_TRUE(run_until([&] { return later != nullptr; }));
    EXPECT_EQ(manager.stats().failed, 1U) << "web has to wait for the address of a Service that the watch never shows";
    api.set(json::array({web}));
    std::exchange(later, nullptr)();
    ASSERT_TRUE(run_until([&] { return api.services()[0]["status"]["loadBalancer"].contains("ingress"); }));
    EXPECT_EQ(api.services()[0]["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.7");
    EXPECT_EQ(api.lists(), 2);
    EXPECT_EQ(later, nullptr) << "there is nothing left to find out";
}

}  // namespace
}  // namespace steelyard::loadbalancer
