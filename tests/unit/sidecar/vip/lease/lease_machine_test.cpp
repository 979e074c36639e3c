// Held while the Lease, the link and the proxy say so, and handed over where it is given away.
#include "sidecar/vip/lease/lease_machine.hpp"

#include <gtest/gtest.h>

namespace steelyard::vip {
namespace {

TimePoint at(int64_t ms) { return TimePoint{} + std::chrono::hours{1} + Milliseconds{ms}; }
constexpr TimePoint kNone{};

// Started at 0, without the Lease.
LeaseMachine running() {
    LeaseMachine machine({});
    machine.set_ready(true, at(0));
    machine.set_link(true, at(0));
    machine.start(at(0));
    return machine;
}

LeaseMachine master_until(int64_t ms) {
    auto machine = running();
    machine.set_lease(at(ms), at(0));
    EXPECT_EQ(machine.state(), State::master);
    return machine;
}

TEST(LeaseMachine, IsMasterOnlyWhileItRunsIsReadyHasALinkAndTheLease) {
    LeaseMachine machine({});
    EXPECT_TRUE(machine.set_lease(at(5000), at(0)).nothing());
    EXPECT_TRUE(machine.set_ready(true, at(0)).nothing());
    EXPECT_TRUE(machine.start(at(0)).nothing());
    EXPECT_EQ(machine.state(), State::init);
    const auto actions = machine.set_link(true, at(0));
    EXPECT_TRUE(actions.add_addresses);
    EXPECT_FALSE(actions.send_advert);
    EXPECT_EQ(machine.state(), State::master);
    EXPECT_EQ(machine.deadline(), at(5000));
}

TEST(LeaseMachine, TheEndOfTheLeaseGivesTheAddressesUpAtOnce) {
    auto machine = master_until(5000);
    EXPECT_TRUE(machine.on_timer(at(4999)).nothing());
    const auto actions = machine.on_timer(at(5000));
    EXPECT_TRUE(actions.remove_addresses);
    EXPECT_EQ(actions.linger, Duration{0}) << "another may hold them from now on";
    EXPECT_EQ(machine.state(), State::backup);
    EXPECT_EQ(machine.deadline(), TimePoint::max());
}

TEST(LeaseMachine, ARenewalIsNoNews) {
    auto machine = master_until(5000);
    EXPECT_TRUE(machine.set_lease(at(6666), at(1666)).nothing());
    EXPECT_EQ(machine.deadline(), at(6666));
    EXPECT_TRUE(machine.on_timer(at(5000)).nothing());
    EXPECT_EQ(machine.stats().transitions, 2U);
}

TEST(LeaseMachine, ALeaseGivenAwayIsHandedOver) {
    auto machine = master_until(5000);
    const auto actions = machine.set_lease(kNone, at(1000));
    EXPECT_TRUE(actions.remove_addresses);
    EXPECT_EQ(actions.linger, Duration{kHandOver});
    EXPECT_EQ(machine.state(), State::backup);
    EXPECT_TRUE(machine.set_lease(at(7000), at(1200)).add_addresses) << "nobody took it, and it is ours again";
}

TEST(LeaseMachine, WhoWasHeardBeforeWeLearnedOfItNeedsNoHandOver) {
    auto machine = master_until(5000);
    machine.on_claim(at(2000));
    EXPECT_EQ(machine.set_lease(kNone, at(2900)).linger, Duration{0});
    machine.set_lease(at(9000), at(4000));
    EXPECT_EQ(machine.set_lease(kNone, at(6000)).linger, Duration{kHandOver}) << "that was another time";
}

TEST(LeaseMachine, WhatIsHeardAtTheBeginningIsWhoHadItBefore) {
    auto machine = master_until(5000);
    EXPECT_TRUE(machine.has_just_begun(at(999)));
    machine.on_claim(at(999));
    EXPECT_FALSE(machine.has_just_begun(at(1000)));
    EXPECT_EQ(machine.set_lease(kNone, at(1500)).linger, Duration{kHandOver});
}

TEST(LeaseMachine, WithoutAProxyTheAddressesStayForTheHandOverOrTheRestOfTheLease) {
    auto machine = master_until(5000);
    EXPECT_EQ(machine.set_ready(false, at(1000)).linger, Duration{kHandOver});
    EXPECT_EQ(machine.state(), State::init);
    EXPECT_TRUE(machine.set_lease(at(7000), at(1100)).nothing());
    EXPECT_TRUE(machine.set_ready(true, at(1200)).add_addresses);
    EXPECT_EQ(machine.stop(at(6700)).linger, Duration{Milliseconds{300}});
    EXPECT_EQ(machine.state(), State::init);
}

TEST(LeaseMachine, WithoutALinkThereIsNothingToHandOver) {
    auto machine = master_until(5000);
    const auto actions = machine.set_link(false, at(1000));
    EXPECT_TRUE(actions.remove_addresses);
    EXPECT_EQ(actions.linger, Duration{0});
    EXPECT_TRUE(machine.set_lease(kNone, at(1100)).nothing());
}

TEST(LeaseMachine, OneThatHasNotRunForAWhileGivesUpWithoutAHandOver) {
    auto machine = master_until(5000);
    const auto actions = machine.set_lease(kNone, at(60'000));
    EXPECT_TRUE(actions.remove_addresses);
    EXPECT_EQ(actions.linger, Duration{0});
}

TEST(LeaseMachine, ARestartWithinTheLeaseGoesOn) {
    LeaseMachine machine({});
    machine.set_ready(true, at(0));
    machine.set_link(true, at(0));
    machine.set_lease(at(100), at(0));
    EXPECT_STREQ(machine.resume_as_master(at(0)).transition_reason, "went on as master after a restart");
    EXPECT_EQ(machine.state(), State::master);
}

TEST(LeaseMachine, TimeThatGoesBackwardsStandsStill) {
    auto machine = master_until(5000);
    machine.on_timer(at(5000));
    EXPECT_TRUE(machine.set_lease(at(4000), at(3000)).nothing()) << "has ended already";
    EXPECT_EQ(machine.state(), State::backup);
}

TEST(LeaseMachine, AMomentOfAnotherBootIsNone) {
    const TimePoint now = TimePoint{} + Milliseconds{10'000};
    EXPECT_EQ(lease_end(0, now), TimePoint{});
    EXPECT_EQ(lease_end(15'000, now), now + Milliseconds{5000});
    EXPECT_EQ(lease_end(70'000, now), now + Milliseconds{60'000});
    EXPECT_EQ(lease_end(70'001, now), TimePoint{});
    EXPECT_EQ(lease_end((uint64_t{1} << 53) - 1, now), TimePoint{});
}

}  // namespace
}  // namespace steelyard::vip
