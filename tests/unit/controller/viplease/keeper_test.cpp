// Keepers against an API server of this file's own: Leases by name, optimistic locking, a watch, and outages.
#include "controller/viplease/keeper.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>

#include "controller/kube/client.hpp"
#include "controller/kube/transport.hpp"
#include "controller/kube/work_thread.hpp"

namespace steelyard::viplease {
namespace {

using kube::ApiError;
using kube::ApiErrorKind;
using kube::ApiResult;
using nlohmann::json;
using push::LeaseAction;

const std::string kPath = "/apis/coordination.k8s.io/v1/namespaces/ns/leases";

class Server {
public:
    ApiResult<std::string> get(const std::string& target) {
        const std::lock_guard lock(mutex_);
        const auto found = leases_.find(target.substr(kPath.size() + 1));
        if (found == leases_.end()) return ApiError{ApiErrorKind::not_found, 404, "none"};
        return found->second.dump();
    }
    ApiResult<std::string> list() {
        const std::lock_guard lock(mutex_);
        json out{{"metadata", {{"resourceVersion", std::to_string(version_)}}}, {"items", json::array()}};
        for (const auto& [name, lease] : leases_) out["items"].push_back(lease);
        return out.dump();
    }
    ApiResult<std::string> create(const std::string& body) {
        const std::lock_guard lock(mutex_);
        const json object = json::parse(body);
        if (leases_.count(object["metadata"]["name"]) != 0) return ApiError{ApiErrorKind::conflict, 409, "exists"};
        return store(object, "ADDED");
    }
    ApiResult<std::string> replace(const std::string& body) {
        const std::lock_guard lock(mutex_);
        const json object = json::parse(body);
        const auto found = leases_.find(object["metadata"]["name"]);
        if (found == leases_.end()) return ApiError{ApiErrorKind::not_found, 404, "none"};
        if (object["metadata"]["resourceVersion"] != found->second["metadata"]["resourceVersion"])
            return ApiError{ApiErrorKind::conflict, 409, "modified"};
        return store(object, "MODIFIED");
    }
    ApiResult<std::string> remove(const std::string& name, const std::string& version) {
        const std::lock_guard lock(mutex_);
        const auto found = leases_.find(name);
        if (found == leases_.end()) return ApiError{ApiErrorKind::not_found, 404, "none"};
        if (!version.empty() && found->second["metadata"]["resourceVersion"] != version)
            return ApiError{ApiErrorKind::conflict, 409, "modified"};
        json last = found->second;
        leases_.erase(found);
        last["metadata"]["resourceVersion"] = std::to_string(++version_);
        log("DELETED", last);
        return last.dump();
    }
    std::optional<std::string> line(size_t& position, const std::stop_token& stop, Milliseconds limit) {
        std::unique_lock lock(mutex_);
        if (!changed_.wait_for(lock, stop, limit, [&] { return position < log_.size(); })) return std::nullopt;
        return log_[position++];
    }
    size_t end_of_log() {
        const std::lock_guard lock(mutex_);
        return log_.size();
    }

private:
    std::string store(json object, const char* type) {
        object["metadata"]["resourceVersion"] = std::to_string(++version_);
        leases_[object["metadata"]["name"]] = object;
        log(type, object);
        return object.dump();
    }
    void log(const char* type, const json& object) {
        log_.push_back(json{{"type", type}, {"object", object}}.dump());
        changed_.notify_all();
    }
    std::mutex mutex_;
    std::condition_variable_any changed_;
    std::map<std::string, json> leases_;
    std::vector<std::string> log_;
    int version_ = 0;
};

// One replica's connection. While it is `cut` requests hang until their limit; while it is `down` they fail at once.
class Link final : public kube::Client, public kube::Transport {
public:
    explicit Link(Server& server) : server_(server) {}
    ApiResult<std::string> get(const std::string& target, const std::stop_token& stop) override {
        if (auto error = trouble(stop)) return *error;
        return server_.get(target);
    }
    ApiResult<std::string> create(const std::string&, const std::string& body, const std::stop_token& stop) override {
        if (auto error = trouble(stop)) return *error;
        return server_.create(body);
    }
    ApiResult<std::string> replace(const std::string&, const std::string& body, const std::stop_token& stop) override {
        if (auto error = trouble(stop)) return *error;
        return server_.replace(body);
    }
    ApiResult<std::string> patch(const std::string&, const std::string&, std::string_view,
                                 const std::stop_token&) override {
        return ApiError{ApiErrorKind::status, 405, "not used"};
    }
    ApiResult<std::string> remove(const std::string& target, const std::string& options,
                                  const std::stop_token&) override {
        return server_.remove(target.substr(kPath.size() + 1),
                              json::parse(options)["preconditions"]["resourceVersion"]);
    }
    ApiResult<std::string> get(const kube::ApiRequest&, const std::stop_token& stop) override {
        if (auto error = trouble(stop)) return *error;
        listed_at_ = server_.end_of_log();
        return server_.list();
    }
    ApiResult<std::unique_ptr<kube::WatchStream>> watch(const kube::ApiRequest&, const std::stop_token& stop) override {
        if (auto error = trouble(stop)) return *error;
        class Stream final : public kube::WatchStream {
        public:
            Stream(Server& server, size_t position) : server_(server), position_(position) {}
            ApiResult<std::optional<std::string_view>> next_line(Milliseconds limit,
                                                                 const std::stop_token& token) override {
                auto line = server_.line(position_, token, limit);
                if (!line && token.stop_requested()) return ApiError{ApiErrorKind::stopped, 0, "stopped"};
                if (!line) return ApiError{ApiErrorKind::timeout, 0, "nothing"};
                line_ = std::move(*line);
                return std::optional<std::string_view>(line_);
            }

        private:
            Server& server_;
            size_t position_;
            std::string line_;
        };
        return std::unique_ptr<kube::WatchStream>(std::make_unique<Stream>(server_, listed_at_));
    }
    std::atomic<bool> cut = false, down = false;

private:
    std::optional<ApiError> trouble(const std::stop_token& stop) {
        if (down) return ApiError{ApiErrorKind::unreachable, 0, "refused"};
        if (!cut) return std::nullopt;
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any never;
        never.wait_for(lock, stop, kRequestLimit, [] { return false; });
        return ApiError{stop.stop_requested() ? ApiErrorKind::stopped : ApiErrorKind::timeout, 0, "no answer"};
    }
    Server& server_;
    size_t listed_at_ = 0;
};

struct Replica {
    explicit Replica(Server& server) : link(server), keeper(link, link, "ns") {}

    std::future<std::vector<push::LeaseGrant>> claim(std::string node, std::vector<push::LeaseClaim> claims) {
        push::ClaimOrder order;
        order.id = ++id;
        order.instance = "i-" + node;
        order.node = std::move(node);
        for (auto& one : claims) order.parts.push_back({std::move(one), 1000});
        order.claimant = session;
        auto told = std::make_shared<std::promise<std::vector<push::LeaseGrant>>>();
        auto future = told->get_future();
        keeper.claim(std::move(order),
                     [told](std::vector<push::LeaseGrant> grants) { told->set_value(std::move(grants)); });
        return future;
    }
    // In words, of one claim for router 1.
    std::string says(const std::string& node, uint8_t priority, LeaseAction action = LeaseAction::hold,
                     const std::string& to = {}) {
        const auto grant = claim(node, {{1, action, priority, to}}).get().at(0);
        if (!grant.problem.empty()) return grant.problem;
        return grant.held ? "held" : "by " + grant.holder;
    }
    std::shared_ptr<const void> session = std::make_shared<int>(0);
    uint64_t id = 0;
    Link link;
    Keeper keeper;
};

bool eventually(const std::function<bool()>& condition) {
    const auto end = Clock::now() + std::chrono::seconds(20);
    while (!condition()) {
        if (Clock::now() > end) return false;
        kube::WorkThread::sleep(Milliseconds(5), {});
    }
    return true;
}

TEST(VipLeaseKeeper, ReplicasAgreeOnOneHolderAndAnotherFollowsWhenItIsGone) {
    Server server;
    Replica a{server}, b{server};
    EXPECT_EQ(a.says("node-1", 200), "held");
    EXPECT_EQ(a.says("node-1", 200), "held");
    EXPECT_EQ(b.says("node-2", 100), "by node-1") << "by its watch or, before that is there, by the conflict";
    EXPECT_EQ(b.says("node-1", 200), "held") << "its node has another replica now";
    EXPECT_TRUE(eventually([&] { return b.says("node-2", 100) == "held"; })) << "a second after the last renewal";
    EXPECT_TRUE(eventually([&] { return a.says("node-1", 200) == "by node-2"; }));
    EXPECT_TRUE(eventually([&] {
        return b.claim("node-2", {{1, LeaseAction::hold, 100, {}}}).get()[0].wanted_by == "node-1";
    }));
    EXPECT_EQ(b.says("node-2", 100, LeaseAction::transfer, "node-1"), "by node-1");
    EXPECT_TRUE(eventually([&] { return a.says("node-1", 200) == "held"; }));
    EXPECT_EQ(a.says("node-1", 200, LeaseAction::release), "by ");
    EXPECT_TRUE(eventually([&] { return b.says("node-2", 100) == "held"; })) << "once its watch has told";
    EXPECT_GE(a.keeper.stats().writes["ok"], 4u);
    EXPECT_EQ(b.keeper.stats().held, 1u);
}

TEST(VipLeaseKeeper, ManyClaimsAtOnceAreAllAnsweredAndOneNodeHasEach) {
    Server server;
    Replica a{server}, b{server};
    std::vector<push::LeaseClaim> all;
    for (int id = 1; id <= 255; ++id) all.push_back({static_cast<uint8_t>(id), LeaseAction::hold, 7, {}});
    auto one = a.claim("node-1", all), two = b.claim("node-2", all);
    const auto first = one.get(), second = two.get();
    for (size_t i = 0; i < all.size(); ++i) {
        EXPECT_FALSE(first[i].held && second[i].held) << i;
        EXPECT_TRUE(first[i].held || second[i].held || !first[i].problem.empty() || !second[i].problem.empty()) << i;
    }
}

TEST(VipLeaseKeeper, AnOutageIsAnsweredWithAProblemAndEnds) {
    Server server;
    Replica a{server};
    EXPECT_EQ(a.says("node-1", 200), "held");
    a.link.down = true;
    EXPECT_EQ(a.says("node-1", 200), "the API server: refused");
    a.link.down = false;
    a.link.cut = true;
    std::vector<push::LeaseClaim> some;
    for (uint8_t id = 1; id <= 20; ++id) some.push_back({id, LeaseAction::hold, 7, {}});
    for (const auto& grant : a.claim("node-1", some).get()) {
        EXPECT_FALSE(grant.held);
        EXPECT_NE(grant.problem, "");
    }
    a.link.cut = false;
    EXPECT_TRUE(eventually([&] { return a.says("node-1", 200) == "held"; }));
    EXPECT_GE(a.keeper.stats().claims["problem"], 21u);
}

TEST(VipLeaseKeeper, AClaimOfASessionThatIsGoneWritesNothing) {
    Server server;
    Replica a{server};
    ASSERT_EQ(a.says("node-1", 200), "held");
    a.link.cut = true;  // keeps all workers busy
    std::vector<push::LeaseClaim> some;
    for (uint8_t id = 1; id <= 8; ++id) some.push_back({id, LeaseAction::hold, 7, {}});
    auto busy = a.claim("node-1", some);
    auto other = a.claim("node-1", {{100, LeaseAction::hold, 7, {}}});
    a.session.reset();
    a.link.cut = false;
    other.wait();
    busy.wait();
    a.session = std::make_shared<int>(0);
    EXPECT_EQ(a.says("node-1", 200), "held") << "the workers are free again";
    EXPECT_FALSE(server.get(kPath + "/steelyard-vip-100"));
}

TEST(VipLeaseKeeper, SweepingDeletesWhatNobodyHoldsOfNoService) {
    Server server;
    Replica a{server};
    ASSERT_EQ(a.says("node-1", 200), "held");
    a.keeper.sweep({});
    ASSERT_EQ(a.says("node-1", 200, LeaseAction::release), "by ");
    EXPECT_TRUE(server.get(kPath + "/steelyard-vip-1")) << "what is held is not deleted";
    std::bitset<256> used;
    used.set(1);
    a.keeper.sweep(used);
    EXPECT_EQ(a.says("node-1", 200, LeaseAction::release), "by ");
    EXPECT_TRUE(server.get(kPath + "/steelyard-vip-1"));
    EXPECT_TRUE(eventually([&] {
        a.keeper.sweep({});
        return !server.get(kPath + "/steelyard-vip-1");
    }));
    EXPECT_EQ(a.says("node-1", 200), "held");
    ASSERT_TRUE(server.remove("steelyard-vip-1", ""));  // by hand
    EXPECT_EQ(a.says("node-1", 200), "held");
    ASSERT_TRUE(server.remove("steelyard-vip-1", ""));
    EXPECT_TRUE(eventually([&] { return a.keeper.stats().held == 0; }));
    EXPECT_EQ(a.says("node-2", 250), "by node-1") << "until its second is over";
    EXPECT_TRUE(eventually([&] { return a.says("node-2", 250) == "held"; }));
}

TEST(VipLeaseKeeper, EndsWhileClaimsAreUnderWay) {
    Server server;
    Replica a{server};
    a.link.cut = true;
    (void)a.claim("node-1", {{1, LeaseAction::hold, 7, {}}, {2, LeaseAction::hold, 7, {}}});
    a.keeper.stop();
}

}  // namespace
}  // namespace steelyard::viplease
