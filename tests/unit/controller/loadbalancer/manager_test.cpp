// Reconciler and writer joined, on a thread of the test's own: the posts and the timer are run by hand.
#include "controller/loadbalancer/manager.hpp"

#include <gtest/gtest.h>

#include <deque>
#include <mutex>
#include <thread>

#include "controller/kube/decode.hpp"
#include "tests/unit/controller/loadbalancer/api.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;
using store::Kind;

struct Nobody final : events::Sink {
    void record(events::EventSpec) override {}
};

struct ManagerTest : testing::Test {
    FakeServices api;
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
    api.add("web", web);
    api.add("forced", forced);

    manager.start();
    manager.leadership_changed(true);
    ASSERT_TRUE(run_until([&] { return later != nullptr; }));
    EXPECT_EQ(manager.stats().failed, 1U) << "web has to wait for the address of a Service that the watch never shows";
    api.remove("forced");
    std::exchange(later, nullptr)();
    ASSERT_TRUE(run_until([&] { return api.read("web")["status"]["loadBalancer"].contains("ingress"); }));
    EXPECT_EQ(api.read("web")["status"]["loadBalancer"]["ingress"][0]["ip"], "192.0.2.7");
    EXPECT_EQ(api.lists(), 2);
    EXPECT_EQ(later, nullptr) << "there is nothing left to find out";
}

}  // namespace
}  // namespace steelyard::loadbalancer
