// What is claimed when, and what an answer means.
#include "sidecar/edge/lease_claims.hpp"

#include <gtest/gtest.h>

namespace steelyard::edge {
namespace {

using push::Claim;
using push::Grant;
using push::LeaseAction;
using push::LeaseGrant;

TimePoint at(int64_t ms) { return TimePoint{} + std::chrono::hours{1} + Milliseconds{ms}; }

LeaseWant want(uint8_t id = 17, uint8_t priority = 247) { return {id, priority, Milliseconds{5000}}; }
LeaseGrant ours(const std::string& wanted_by = "") { return {17, true, "n1", 5000, wanted_by, ""}; }
LeaseGrant others(const std::string& holder = "n2") { return {17, false, holder, 5000, "", ""}; }
LeaseGrant unknown() { return {17, false, "", 0, "", "the API server is away"}; }

class LeaseClaimsTest : public ::testing::Test {
protected:
    // What is sent at that moment; its one lease is expected to be router 17's.
    std::optional<push::LeaseClaim> sent(int64_t ms) {
        const auto claim = claims_.next(at(ms));
        if (!claim) return std::nullopt;
        id_ = claim->id;
        EXPECT_EQ(claim->leases.size(), 1U);
        EXPECT_EQ(claim->leases[0].router_id, 17);
        return claim->leases[0];
    }
    LeaseAction action(int64_t ms) {
        const auto claim = sent(ms);
        EXPECT_TRUE(claim) << ms;
        return claim ? claim->action : LeaseAction::hold;
    }
    void grant(int64_t ms, const LeaseGrant& lease) { claims_.on_grant({id_, {lease}}, at(ms)); }
    void want_it(int64_t ms) { claims_.want({want()}, at(ms)); }
    bool held(int64_t ms) { return claims_.until(17) > at(ms); }
    // Held since 0 until 5000.
    void hold() {
        claims_.connected(at(0));
        want_it(0);
        ASSERT_EQ(action(0), LeaseAction::hold);
        grant(3, ours());
        ASSERT_TRUE(held(3));
    }

    LeaseClaims claims_{"n1"};
    uint64_t id_ = 0;
};

TEST_F(LeaseClaimsTest, ALeaseCountsFromTheMomentOfItsClaimAndIsRenewedAfterAThird) {
    hold();
    EXPECT_EQ(claims_.until(17), at(5000));
    EXPECT_EQ(claims_.leases().at(17).holder, "n1");
    EXPECT_EQ(claims_.deadline(), at(1666));
    EXPECT_FALSE(sent(1665));
    EXPECT_EQ(action(1666), LeaseAction::hold);
    grant(1700, ours());
    EXPECT_EQ(claims_.until(17), at(6666));
}

TEST_F(LeaseClaimsTest, NothingIsSentWithoutAConnectionAndNothingIsHeld) {
    want_it(0);
    EXPECT_FALSE(sent(5000));
    EXPECT_EQ(claims_.deadline(), TimePoint::max());
    EXPECT_EQ(claims_.until(17), TimePoint{});
}

TEST_F(LeaseClaimsTest, TheFirstClaimWaitsForThoseThatComeBefore) {
    claims_.connected(at(0));
    claims_.want({want(17, 147)}, at(0));
    EXPECT_FALSE(sent(399));
    const auto claim = sent(400);
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->priority, 147);
    grant(410, others(""));
    EXPECT_FALSE(sent(809)) << "nobody has it: those that come before are let go first again";
    EXPECT_TRUE(sent(810));
}

TEST_F(LeaseClaimsTest, WhatIsAnothersIsAskedForAgainAndAgain) {
    claims_.connected(at(0));
    want_it(0);
    ASSERT_TRUE(sent(0));
    grant(5, others());
    EXPECT_FALSE(held(5));
    EXPECT_EQ(claims_.leases().at(17).holder, "n2");
    EXPECT_FALSE(sent(254));
    EXPECT_EQ(action(255), LeaseAction::hold);
    claims_.want({{17, 247, Milliseconds{400}}}, at(256));
    grant(260, others());
    EXPECT_EQ(claims_.deadline(), at(360)) << "a quarter of a short lease";
}

TEST_F(LeaseClaimsTest, OneClaimIsUnderWayAtATime) {
    claims_.connected(at(0));
    want_it(0);
    ASSERT_TRUE(sent(0));
    claims_.want({want(17), want(18)}, at(1));
    EXPECT_FALSE(claims_.next(at(1000)));
    EXPECT_FALSE(claims_.overdue(at(1665)));
    EXPECT_EQ(claims_.deadline(), at(1666));
    EXPECT_TRUE(claims_.overdue(at(1666)));
    claims_.on_grant({id_ + 1, {ours()}}, at(1001));
    EXPECT_FALSE(held(1001)) << "that answers nothing";
    grant(1002, ours());
    const auto next = claims_.next(at(1700));
    ASSERT_TRUE(next);
    EXPECT_GT(next->id, id_);
    EXPECT_EQ(next->leases.size(), 2U) << "all that is due goes together";
}

TEST_F(LeaseClaimsTest, WhenNothingCanBeSaidTheLeaseGoesOnToItsEnd) {
    hold();
    ASSERT_TRUE(sent(1666));
    grant(1700, unknown());
    EXPECT_EQ(claims_.until(17), at(5000));
    EXPECT_EQ(claims_.leases().at(17).problem, "the API server is away");
    EXPECT_FALSE(sent(1949));
    ASSERT_TRUE(sent(1950));
    grant(5200, {17, true, "n1", 3000, "", ""});
    EXPECT_FALSE(held(5200)) << "it has ended before the answer came";
    EXPECT_EQ(claims_.stats().problems, 1U);
}

TEST_F(LeaseClaimsTest, AConnectionThatEndsTakesWhatWasAskedWithIt) {
    hold();
    ASSERT_TRUE(sent(1666));
    claims_.disconnected(at(2000));
    EXPECT_TRUE(held(2000));
    EXPECT_FALSE(sent(2001));
    claims_.connected(at(2500));
    grant(2501, ours());
    EXPECT_EQ(claims_.until(17), at(5000)) << "an answer to the claim that was lost";
    EXPECT_EQ(action(2502), LeaseAction::hold);
}

TEST_F(LeaseClaimsTest, OneThatIsOverdueIsCounted) {
    hold();
    ASSERT_TRUE(sent(1666));
    claims_.disconnected(at(3400));
    EXPECT_EQ(claims_.stats().overdue, 1U);
}

TEST_F(LeaseClaimsTest, WhatIsTakenFromUsIsGone) {
    hold();
    ASSERT_TRUE(sent(1666));
    grant(1700, others());
    EXPECT_FALSE(held(1700));
}

TEST_F(LeaseClaimsTest, WhatIsNotWantedAnyMoreIsReleasedUntilSomebodyHeardIt) {
    hold();
    claims_.want({}, at(100));
    EXPECT_FALSE(held(100));
    EXPECT_EQ(action(100), LeaseAction::release);
    grant(110, unknown());
    EXPECT_EQ(action(360), LeaseAction::release);
    grant(370, others(""));
    EXPECT_TRUE(claims_.leases().empty());
    EXPECT_EQ(claims_.deadline(), TimePoint::max());
}

TEST_F(LeaseClaimsTest, WhatHasEndedNeedsNoRelease) {
    hold();
    claims_.disconnected(at(100));
    claims_.want({}, at(200));
    claims_.connected(at(5000));
    EXPECT_FALSE(claims_.next(at(5000)));
    EXPECT_TRUE(claims_.leases().empty());
}

TEST_F(LeaseClaimsTest, ALeaseThatComesTooLateIsGivenBack) {
    claims_.connected(at(0));
    want_it(0);
    ASSERT_TRUE(sent(0));
    claims_.want({}, at(1));
    grant(10, ours());
    EXPECT_FALSE(held(10));
    EXPECT_EQ(action(10), LeaseAction::release);
    want_it(15);
    EXPECT_FALSE(held(15)) << "nobody knows what became of it";
    claims_.disconnected(at(16));
    claims_.connected(at(17));
    EXPECT_EQ(action(17), LeaseAction::hold);
    grant(20, ours());
    EXPECT_TRUE(held(20));
}

TEST_F(LeaseClaimsTest, ABetterNodeGetsItAndNothingIsHeldFromThenOn) {
    hold();
    ASSERT_TRUE(sent(1666));
    grant(1670, ours("n3"));
    EXPECT_TRUE(held(1670));
    const auto claim = sent(1670);
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->action, LeaseAction::transfer);
    EXPECT_EQ(claim->to, "n3");
    EXPECT_FALSE(held(1670));
    grant(1680, others("n3"));
    EXPECT_FALSE(held(1680));
    EXPECT_EQ(action(1930), LeaseAction::hold);
    EXPECT_EQ(claims_.stats().transfers, 1U);
}

TEST_F(LeaseClaimsTest, ATransferOfWhichNothingIsHeardIsAskedAbout) {
    hold();
    ASSERT_TRUE(sent(1666));
    grant(1670, ours("n3"));
    ASSERT_EQ(action(1670), LeaseAction::transfer);
    claims_.disconnected(at(1700));
    claims_.connected(at(1800));
    EXPECT_FALSE(held(1800));
    EXPECT_EQ(action(1800), LeaseAction::hold);
    grant(1810, ours());
    EXPECT_TRUE(held(1810)) << "it has not arrived";
}

TEST_F(LeaseClaimsTest, ATransferThatIsRefusedIsNotTriedAgainAtOnce) {
    hold();
    ASSERT_TRUE(sent(1666));
    grant(1670, ours("n3"));
    ASSERT_EQ(action(1670), LeaseAction::transfer);
    grant(1680, unknown());
    EXPECT_FALSE(sent(1929));
    EXPECT_EQ(action(1930), LeaseAction::hold);
}

TEST_F(LeaseClaimsTest, WithoutPreemptionTheLeaseStays) {
    claims_.connected(at(0));
    LeaseWant one = want();
    one.preempt = false;
    claims_.want({one}, at(0));
    ASSERT_TRUE(sent(0));
    grant(5, ours("n3"));
    EXPECT_FALSE(sent(5));
    EXPECT_EQ(action(1666), LeaseAction::hold);
}

TEST_F(LeaseClaimsTest, TheDelayCountsFromTheFirstWish) {
    claims_.connected(at(0));
    LeaseWant one = want();
    one.preempt_delay = Milliseconds{3000};
    claims_.want({one}, at(0));
    ASSERT_TRUE(sent(0));
    grant(10, ours("n3"));
    ASSERT_EQ(action(1666), LeaseAction::hold);
    grant(1670, ours("n3"));
    EXPECT_EQ(claims_.deadline(), at(3010));
    ASSERT_EQ(action(3010), LeaseAction::hold) << "is it still wished?";
    grant(3015, ours("n3"));
    EXPECT_EQ(action(3015), LeaseAction::transfer);
}

TEST_F(LeaseClaimsTest, AWishThatIsWithdrawnCountsAnew) {
    claims_.connected(at(0));
    LeaseWant one = want();
    one.preempt_delay = Milliseconds{3000};
    claims_.want({one}, at(0));
    ASSERT_TRUE(sent(0));
    grant(10, ours("n3"));
    ASSERT_TRUE(sent(1666));
    grant(1670, ours());
    ASSERT_TRUE(sent(3332));
    grant(3340, ours("n3"));
    EXPECT_EQ(action(4998), LeaseAction::hold);
}

TEST_F(LeaseClaimsTest, ARouterThatTheAnswerPassesOverIsAProblem) {
    claims_.connected(at(0));
    want_it(0);
    ASSERT_TRUE(sent(0));
    claims_.on_grant({id_, {}}, at(5));
    EXPECT_EQ(claims_.leases().at(17).problem, "the controller says nothing of it");
    EXPECT_TRUE(sent(255));
}

TEST_F(LeaseClaimsTest, MoreRoutersThanAClaimHoldsFollowInTheNext) {
    std::vector<LeaseWant> wants;
    for (int id = 1; id <= 255; ++id) wants.push_back(want(static_cast<uint8_t>(id)));
    claims_.connected(at(0));
    claims_.want(wants, at(0));
    const auto claim = claims_.next(at(0));
    ASSERT_TRUE(claim);
    EXPECT_EQ(claim->leases.size(), push::kMaxClaims);
}

}  // namespace
}  // namespace steelyard::edge
