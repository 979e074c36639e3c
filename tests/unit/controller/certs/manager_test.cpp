#include "controller/certs/manager.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "controller/certs/secret.hpp"

namespace steelyard::certs {
namespace {

using nlohmann::json;

// An API server's memory, with optimistic locking.
class FakeCluster final : public kube::Client {
public:
    kube::ApiResult<std::string> get(const std::string& target, const std::stop_token&) override {
        const std::lock_guard lock{mutex_};
        if (down) return kube::ApiError{kube::ApiErrorKind::unreachable, 0, "down"};
        const auto it = objects.find(target);
        if (it == objects.end()) return kube::ApiError{kube::ApiErrorKind::not_found, 404, "not found"};
        return it->second.dump();
    }
    kube::ApiResult<std::string> create(const std::string& target, const std::string& body,
                                        const std::stop_token&) override {
        const std::lock_guard lock{mutex_};
        json object = json::parse(body);
        const std::string path = target + "/" + object["metadata"]["name"].get<std::string>();
        if (objects.count(path) != 0) return kube::ApiError{kube::ApiErrorKind::conflict, 409, "exists"};
        return store(path, std::move(object));
    }
    kube::ApiResult<std::string> replace(const std::string& target, const std::string& body,
                                         const std::stop_token&) override {
        const std::lock_guard lock{mutex_};
        json object = json::parse(body);
        if (object["metadata"]["resourceVersion"] != objects.at(target)["metadata"]["resourceVersion"]) {
            return kube::ApiError{kube::ApiErrorKind::conflict, 409, "the object has been modified"};
        }
        return store(target, std::move(object));
    }
    kube::ApiResult<std::string> patch(const std::string& target, const std::string& body, std::string_view type,
                                       const std::stop_token&) override {
        const std::lock_guard lock{mutex_};
        EXPECT_EQ(type, kube::kJsonPatch);
        return store(target, objects.at(target).patch(json::parse(body)));
    }
    json object(const std::string& target) {
        const std::lock_guard lock{mutex_};
        const auto it = objects.find(target);
        return it == objects.end() ? json() : it->second;
    }
    void set(const std::string& target, json object) {
        const std::lock_guard lock{mutex_};
        store(target, std::move(object));
    }

    std::atomic<bool> down{false};
    std::atomic<int> writes{0};

private:
    std::string store(const std::string& path, json object) {
        ++writes;
        object["metadata"]["resourceVersion"] = std::to_string(++version_);
        return (objects[path] = std::move(object)).dump();
    }
    std::mutex mutex_;
    std::map<std::string, json> objects;
    int version_ = 0;
};

constexpr const char* kSecret = "/api/v1/namespaces/sys/secrets/steelyard-tls";
constexpr const char* kConfigMap = "/api/v1/namespaces/sys/configmaps/steelyard-ca";
constexpr const char* kWebhook = "/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/hook";

template <class F>
bool soon(F condition) {
    for (int i = 0; i < 500; ++i) {
        if (condition()) return true;
        std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return false;
}

struct Replica {
    explicit Replica(FakeCluster& cluster, bool leads = true, std::string directory = {}) : leader(leads) {
        ManagerOptions options;
        options.ns = "sys";
        options.directory = std::move(directory);
        options.webhook_config = "hook";
        options.rotation.names = {"localhost"};
        options.poll = Milliseconds{20};
        options.poll_files = Milliseconds{20};
        manager = std::make_unique<Manager>(options, &cluster, identity,
                                            Manager::Hooks{[this] { return leader.load(); },
                                                           [this](const std::string& pem) {
                                                               const std::lock_guard lock{mutex};
                                                               bundle = pem;
                                                           },
                                                           [this] { return now.load(); }});
        manager->start();
    }
    std::string heard() {
        const std::lock_guard lock{mutex};
        return bundle;
    }
    tls::ServerIdentity identity;
    std::atomic<bool> leader;
    std::atomic<int64_t> now{1'800'000'000};
    std::mutex mutex;
    std::string bundle;
    std::unique_ptr<Manager> manager;
};

TEST(Manager, TheLeaderMakesAndTellsTheOthersFollow) {
    FakeCluster cluster;
    cluster.set(kWebhook, {{"webhooks",
                            {{{"name", "a"}, {"clientConfig", {{"service", "x"}}}},
                             {{"name", "b"}, {"clientConfig", {{"caBundle", "b2xk"}}}}}}});
    Replica follower(cluster, false);
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_FALSE(follower.manager->stats().ready);
    EXPECT_TRUE(cluster.object(kSecret).is_null()) << "only a leader writes";
    Replica leader(cluster);
    ASSERT_TRUE(soon([&] { return follower.manager->stats().ready && leader.manager->stats().ready; }));
    ASSERT_TRUE(soon([&] { return cluster.object(kConfigMap).is_object(); }));
    EXPECT_EQ(leader.heard(), follower.heard());
    EXPECT_EQ(cluster.object(kConfigMap)["data"]["ca.crt"], leader.heard());
    ASSERT_TRUE(soon([&] {
        const auto hooks = cluster.object(kWebhook)["webhooks"];
        return hooks[0]["clientConfig"]["caBundle"] == base64(leader.heard()) &&
               hooks[1]["clientConfig"]["caBundle"] == base64(leader.heard());
    }));
    const int writes = cluster.writes;
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
    EXPECT_EQ(cluster.writes, writes) << "what is right is not written again";
}

TEST(Manager, FillsWhatTheChartMadeEmptyAndKeepsItsLabels) {
    FakeCluster cluster;
    cluster.set(kSecret, {{"metadata", {{"labels", {{"a", "b"}}}}}, {"type", "Opaque"}});
    cluster.set(kConfigMap, {{"metadata", {{"labels", {{"a", "b"}}}}}});
    Replica leader(cluster);
    ASSERT_TRUE(soon([&] { return cluster.object(kConfigMap).contains("data"); }));
    EXPECT_EQ(cluster.object(kSecret)["metadata"]["labels"]["a"], "b");
    EXPECT_EQ(cluster.object(kConfigMap)["metadata"]["labels"]["a"], "b");
    EXPECT_TRUE(check(material_of(cluster.object(kSecret))));
}

TEST(Manager, WhatIsOfAnotherTypeThanTheApiHasItIsReadAsAbsent) {
    FakeCluster cluster;
    cluster.set(kSecret, {{"type", "Opaque"}, {"data", {{"ca.crt", 5}, {"tls.key", json::array()}}}});
    cluster.set(kConfigMap, {{"data", "x"}});
    cluster.set(kWebhook, {{"webhooks", {5, {{"clientConfig", 7}}, {{"clientConfig", {{"caBundle", 5}}}}}}});
    Replica leader(cluster);
    ASSERT_TRUE(soon(
        [&] { return cluster.object(kWebhook)["webhooks"][2]["clientConfig"]["caBundle"] == base64(leader.heard()); }));
    EXPECT_EQ(cluster.object(kConfigMap)["data"]["ca.crt"], leader.heard());
    cluster.set(kWebhook, {{"webhooks", "none"}});
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    EXPECT_TRUE(leader.manager->stats().ready);
    EXPECT_EQ(cluster.object(kWebhook)["webhooks"], "none");
}

TEST(Manager, RotatesAndTheFollowersHear) {
    FakeCluster cluster;
    Replica leader(cluster), follower(cluster, false);
    ASSERT_TRUE(soon([&] { return follower.manager->stats().ready; }));
    const std::string first = follower.heard();
    leader.now += 60000LL * 3600;
    ASSERT_TRUE(soon([&] { return follower.heard() != first; }));
    EXPECT_EQ(tls::parse_bundle(follower.heard(), "")->size(), 2u);
    EXPECT_EQ(follower.heard().find(first), 0u) << "the old one still signs";
    leader.now += 9000LL * 3600;
    ASSERT_TRUE(soon([&] { return follower.heard().find(first) != 0u; }));
    EXPECT_EQ(tls::parse_bundle(follower.heard(), "")->size(), 2u);
    leader.now += 9000LL * 3600;
    ASSERT_TRUE(soon([&] { return tls::parse_bundle(follower.heard(), "")->size() == 1u; }));
}

TEST(Manager, TwoWhoBothBelieveThatTheyLeadAgree) {
    FakeCluster cluster;
    Replica one(cluster), two(cluster);
    ASSERT_TRUE(soon([&] { return one.manager->stats().ready && two.manager->stats().ready; }));
    ASSERT_TRUE(soon([&] { return one.heard() == two.heard(); }));
}

TEST(Manager, AnApiServerThatIsGoneLeavesWhatThereIs) {
    FakeCluster cluster;
    Replica leader(cluster);
    ASSERT_TRUE(soon([&] { return leader.manager->stats().ready; }));
    const auto context = leader.identity.current();
    cluster.down = true;
    ASSERT_TRUE(soon([&] { return !leader.manager->stats().last_error.empty(); }));
    EXPECT_EQ(leader.identity.current(), context);
    EXPECT_TRUE(leader.manager->stats().ready);
    cluster.down = false;
    ASSERT_TRUE(soon([&] { return leader.manager->stats().last_error.empty(); }));
}

TEST(Manager, FollowsFiles) {
    const auto dir = std::filesystem::temp_directory_path() / ("steelyard-certs-" + std::to_string(::getpid()));
    std::filesystem::create_directories(dir);
    const auto write = [&](const std::string& name, const std::string& text) { std::ofstream(dir / name) << text; };
    RotationSettings settings;
    settings.names = {"localhost"};
    const auto one = advance({}, settings, 1'800'000'000)->material;
    FakeCluster cluster;
    Replica replica(cluster, true, dir.string());
    ASSERT_TRUE(soon([&] { return !replica.manager->stats().last_error.empty(); }));
    write("ca.crt", one.bundle());
    write("tls.key", one.server.key_pem);
    write("tls.crt", one.server.certificate_pem);
    ASSERT_TRUE(soon([&] { return replica.manager->stats().ready; }));
    EXPECT_EQ(replica.heard(), one.bundle());
    ASSERT_TRUE(soon([&] { return cluster.object(kConfigMap).is_object(); }));
    const auto context = replica.identity.current();
    write("tls.crt", "garbage");
    ASSERT_TRUE(soon([&] { return !replica.manager->stats().last_error.empty(); }));
    EXPECT_EQ(replica.identity.current(), context);
    const auto two = advance({}, settings, 1'800'000'001)->material;
    write("ca.crt", two.bundle());
    write("tls.key", two.server.key_pem);
    write("tls.crt", two.server.certificate_pem);
    ASSERT_TRUE(soon([&] { return replica.heard() == two.bundle() && replica.identity.current() != context; }));
    std::filesystem::remove_all(dir);
}

}  // namespace
}  // namespace steelyard::certs
