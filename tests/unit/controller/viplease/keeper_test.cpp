// Keepers against an API server in memory: optimistic locking, a watch, and outages.
#include "controller/viplease/keeper.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <future>
#include <memory>
#include <vector>

#include "controller/kube/work_thread.hpp"
#include "tests/unit/support/lease_api.hpp"

namespace steelyard::viplease {
namespace {

using push::LeaseAction;
using test::LeaseLink;
using test::LeaseServer;

struct Replica {
    explicit Replica(LeaseServer& server) : link(server, kRequestLimit), keeper(link, link, "ns") {}

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
    LeaseLink link;
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
    LeaseServer server;
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
    LeaseServer server;
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
    LeaseServer server;
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
    LeaseServer server;
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
    EXPECT_FALSE(server.get("steelyard-vip-100"));
}

TEST(VipLeaseKeeper, SweepingDeletesWhatNobodyHoldsOfNoService) {
    LeaseServer server;
    Replica a{server};
    ASSERT_EQ(a.says("node-1", 200), "held");
    a.keeper.sweep({});
    ASSERT_EQ(a.says("node-1", 200, LeaseAction::release), "by ");
    EXPECT_TRUE(server.get("steelyard-vip-1")) << "what is held is not deleted";
    std::bitset<256> used;
    used.set(1);
    a.keeper.sweep(used);
    EXPECT_EQ(a.says("node-1", 200, LeaseAction::release), "by ");
    EXPECT_TRUE(server.get("steelyard-vip-1"));
    EXPECT_TRUE(eventually([&] {
        a.keeper.sweep({});
        return !server.get("steelyard-vip-1");
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
    LeaseServer server;
    Replica a{server};
    a.link.cut = true;
    (void)a.claim("node-1", {{1, LeaseAction::hold, 7, {}}, {2, LeaseAction::hold, 7, {}}});
    a.keeper.stop();
}

}  // namespace
}  // namespace steelyard::viplease
