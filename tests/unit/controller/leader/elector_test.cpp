// Electors against an API server in memory: optimistic locking, a watch, and outages.
#include "controller/leader/elector.hpp"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <memory>
#include <thread>
#include <vector>

#include "tests/unit/support/lease_api.hpp"

namespace steelyard::leader {
namespace {

using test::LeaseLink;
using test::LeaseServer;

struct Candidate {
    Candidate(LeaseServer& server, const std::string& name, Timing timing)
        : link(server, request_limit(timing)),
          elector(link, link, {"ns", "lease", name, timing}, {[this] { ++started; }, [this] { ++stopped; }}) {
        elector.start();
    }
    std::atomic<int> started = 0, stopped = 0;
    LeaseLink link;
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
    LeaseServer server;
    Candidate one(server, "one", slow);
    ASSERT_TRUE(eventually([&] { return one.elector.is_leader(); }));
    Candidate two(server, "two", slow);
    ASSERT_TRUE(eventually([&] { return two.elector.stats().holder == "one"; }));
    EXPECT_FALSE(two.elector.is_leader());
    const TimePoint before = Clock::now();
    one.elector.stop();
    EXPECT_EQ(one.stopped, 1);
    ASSERT_TRUE(eventually([&] { return two.elector.is_leader(); }));
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(10));
    EXPECT_EQ(server.holder("lease"), "two");
    EXPECT_TRUE(eventually([&] { return two.started == 1; }));
    EXPECT_EQ(two.elector.stats().transitions, 1U);
}

TEST(Elector, WhoIsCutOffStopsLeadingBeforeAnotherBegins) {
    LeaseServer server;
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
    LeaseServer server;
    Candidate one(server, "one", slow);
    ASSERT_TRUE(eventually([&] { return one.elector.is_leader(); }));
    one.link.cut = true;
    const TimePoint before = Clock::now();
    one.elector.stop();
    EXPECT_LT(Clock::now() - before, std::chrono::seconds(3));
    EXPECT_EQ(one.stopped, 1);
    EXPECT_EQ(server.holder("lease"), "one");
}

TEST(Elector, ManyCandidatesHaveOneLeaderAtATime) {
    LeaseServer server;
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
