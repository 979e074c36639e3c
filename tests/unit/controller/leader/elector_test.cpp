// Electors against an API server of this file's own: one Lease, optimistic locking, a watch, and outages.
#include "controller/leader/elector.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <condition_variable>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "controller/kube/client.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::leader {
namespace {

using kube::ApiError;
using kube::ApiErrorKind;
using kube::ApiResult;
using nlohmann::json;

class Server {
public:
    ApiResult<std::string> get() {
        const std::lock_guard lock(mutex_);
        if (lease_.is_null()) return ApiError{ApiErrorKind::not_found, 404, "none"};
        return lease_.dump();
    }
    ApiResult<std::string> create(const std::string& body) {
        const std::lock_guard lock(mutex_);
        if (!lease_.is_null()) return ApiError{ApiErrorKind::conflict, 409, "exists"};
        return store(json::parse(body));
    }
    ApiResult<std::string> replace(const std::string& body) {
        const std::lock_guard lock(mutex_);
        const json object = json::parse(body);
        if (lease_.is_null()) return ApiError{ApiErrorKind::not_found, 404, "none"};
        if (object["metadata"]["resourceVersion"] != lease_["metadata"]["resourceVersion"])
            return ApiError{ApiErrorKind::conflict, 409, "modified"};
        return store(object);
    }
    // Waits for another version than `seen`.
    std::optional<std::string> change(std::string& seen, Milliseconds limit, const std::stop_token& stop) {
        std::unique_lock lock(mutex_);
        const auto other = [&] { return !lease_.is_null() && lease_["metadata"]["resourceVersion"] != seen; };
        if (!changed_.wait_for(lock, stop, limit, other)) return std::nullopt;
        seen = lease_["metadata"]["resourceVersion"];
        return json{{"type", "MODIFIED"}, {"object", lease_}}.dump();
    }
    std::string holder() {
        const std::lock_guard lock(mutex_);
        return lease_.is_null() ? "" : lease_["spec"]["holderIdentity"].get<std::string>();
    }

private:
    std::string store(json object) {
        object["metadata"]["resourceVersion"] = std::to_string(++version_);
        lease_ = std::move(object);
        changed_.notify_all();
        return lease_.dump();
    }
    std::mutex mutex_;
    std::condition_variable_any changed_;
    json lease_;
    int version_ = 0;
};

// One controller's connection, which can be cut: requests hang then until their limit.
class Link final : public kube::Client, public kube::Transport {
public:
    Link(Server& server, Milliseconds limit) : server_(server), limit_(limit) {}

    ApiResult<std::string> get(const std::string&, const std::stop_token& stop) override {
        if (auto error = hang(stop)) return *error;
        return server_.get();
    }
    ApiResult<std::string> create(const std::string&, const std::string& body, const std::stop_token& stop) override {
        if (auto error = hang(stop)) return *error;
        return server_.create(body);
    }
    ApiResult<std::string> replace(const std::string&, const std::string& body, const std::stop_token& stop) override {
        if (auto error = hang(stop)) return *error;
        return server_.replace(body);
    }
    ApiResult<std::string> patch(const std::string&, const std::string&, std::string_view,
                                 const std::stop_token&) override {
        return ApiError{ApiErrorKind::status, 405, "not used"};
    }
    ApiResult<std::string> get(const kube::ApiRequest&, const std::stop_token&) override {
        return ApiError{ApiErrorKind::status, 405, "not used"};
    }
    ApiResult<std::unique_ptr<kube::WatchStream>> watch(const kube::ApiRequest&, const std::stop_token& stop) override {
        if (auto error = hang(stop)) return *error;
        class Stream final : public kube::WatchStream {
        public:
            explicit Stream(Server& server) : server_(server) {}
            ApiResult<std::optional<std::string_view>> next_line(Milliseconds limit,
                                                                 const std::stop_token& token) override {
                auto line = server_.change(seen_, limit, token);
                if (!line && token.stop_requested()) return ApiError{ApiErrorKind::stopped, 0, "stopped"};
                if (!line) return ApiError{ApiErrorKind::timeout, 0, "nothing"};
                line_ = std::move(*line);
                return std::optional<std::string_view>(line_);
            }

        private:
            Server& server_;
            std::string seen_, line_;
        };
        return std::unique_ptr<kube::WatchStream>(std::make_unique<Stream>(server_));
    }
    std::atomic<bool> cut = false;

private:
    std::optional<ApiError> hang(const std::stop_token& stop) {
        if (!cut) return std::nullopt;
        std::mutex mutex;
        std::unique_lock lock(mutex);
        std::condition_variable_any never;
        never.wait_for(lock, stop, limit_, [] { return false; });
        if (stop.stop_requested()) return ApiError{ApiErrorKind::stopped, 0, "stopped"};
        return ApiError{ApiErrorKind::timeout, 0, "no answer"};
    }
    Server& server_;
    const Milliseconds limit_;
};

struct Candidate {
    Candidate(Server& server, const std::string& name, Timing timing)
        : link(server, request_limit(timing)),
          elector(link, link, {"ns", "lease", name, timing}, {[this] { ++started; }, [this] { ++stopped; }}) {
        elector.start();
    }
    std::atomic<int> started = 0, stopped = 0;
    Link link;
    Elector elector;
};

bool eventually(const std::function<bool()>& condition, Milliseconds limit = Milliseconds(10'000)) {
    const TimePoint deadline = Clock::now() + limit;
    while (!condition()) {
        if (Clock::now() > deadline) return false;
        std::this_thread::sleep_for(Milliseconds(2));
    }
    return true;
}

constexpr Timing kFast{Milliseconds(1000), Milliseconds(600), Milliseconds(100)};

TEST(Elector, OneLeadsAndItsEndHandsOverAtOnce) {
    const Timing slow{Milliseconds(60'000), Milliseconds(40'000), Milliseconds(10'000)};
    Server server;
    Candidate one(server, "one", slow);
    ASSERT_TRUE(eventually([&] { return one.elector.is_leader(); }));
    Candidate two(server, "two", slow);
    ASSERT_TRUE(eventually([&] { return two.elector.stats().holder == "one"; }));
    EXPECT_FALSE(two.elector.is_leader());
    const TimePoint before = Clock::now();
    one.elector.stop();
    EXPECT_EQ(one.stopped, 1);
    ASSERT_TRUE(eventually([&] { return two.elector.is_leader(); }));
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(1));
    EXPECT_EQ(server.holder(), "two");
    EXPECT_TRUE(eventually([&] { return two.started == 1; }));
    EXPECT_EQ(two.elector.stats().transitions, 1U);
}

TEST(Elector, WhoIsCutOffStopsLeadingBeforeAnotherBegins) {
    Server server;
    Candidate one(server, "one", kFast);
    ASSERT_TRUE(eventually([&] { return one.elector.is_leader(); }));
    Candidate two(server, "two", kFast);
    one.link.cut = true;
    ASSERT_TRUE(eventually([&] {
        EXPECT_FALSE(one.elector.is_leader() && two.elector.is_leader());
        return two.elector.is_leader();
    }));
    EXPECT_FALSE(one.elector.is_leader());
    EXPECT_EQ(one.stopped, 1);
    one.link.cut = false;
    ASSERT_TRUE(eventually([&] { return one.elector.stats().holder == "two"; }));
    EXPECT_FALSE(one.elector.is_leader());
}

TEST(Elector, AStopIsPromptWithoutAnApiServer) {
    const Timing slow{Milliseconds(60'000), Milliseconds(40'000), Milliseconds(100)};
    Server server;
    Candidate one(server, "one", slow);
    ASSERT_TRUE(eventually([&] { return one.elector.is_leader(); }));
    one.link.cut = true;
    const TimePoint before = Clock::now();
    one.elector.stop();
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(3));
    EXPECT_EQ(one.stopped, 1);
    EXPECT_EQ(server.holder(), "one");
}

TEST(Elector, ManyCandidatesHaveOneLeaderAtATime) {
    Server server;
    std::vector<std::unique_ptr<Candidate>> all;
    for (int i = 0; i < 5; ++i) all.push_back(std::make_unique<Candidate>(server, "c" + std::to_string(i), kFast));
    for (int round = 0; round < 5; ++round) {
        ASSERT_TRUE(eventually([&] {
            int leaders = 0;
            for (const auto& one : all) leaders += one->elector.is_leader();
            EXPECT_LE(leaders, 1);
            return leaders == 1;
        }));
        for (const auto& one : all) {
            if (!one->elector.is_leader()) continue;
            one->elector.stop();
            break;  // another leads by now
        }
    }
}

}  // namespace
}  // namespace steelyard::leader
