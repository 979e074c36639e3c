// One machine alone: RFC 9568, section 6.4, with what readiness, links and restarts add to it.
#include "machine_fixture.hpp"

namespace steelyard::vip {
namespace {

TEST(VrrpMachine, NothingHappensBeforeItIsStartedReadyAndLinked) {
    Machine machine(options_of(200));
    EXPECT_EQ(machine.set_ready(true, at(0)), kNothing);
    EXPECT_EQ(machine.start(at(1)), kNothing);
    EXPECT_EQ(machine.on_advert(advert_of(100), kLower, at(2)), kNothing);
    EXPECT_EQ(machine.on_timer(at(10'000)), kNothing);
    EXPECT_EQ(machine.deadline(), TimePoint::max());
    EXPECT_STREQ(machine.set_link(true, at(10'000)).transition_reason, "the link is up");
    EXPECT_EQ(machine.state(), State::backup);
}

TEST(VrrpMachine, ABackupThatHearsNobodyIsMasterAfterThreeIntervalsAndItsSkew) {
    auto machine = running(options_of(192));
    EXPECT_EQ(machine.state(), State::backup);
    EXPECT_EQ(machine.deadline(), at(325));  // the skew: 64/256 of 100 ms
    EXPECT_EQ(machine.on_timer(at(324)), kNothing);
    const auto actions = machine.on_timer(at(325));
    EXPECT_EQ(plain(actions), taking_over(192));
    EXPECT_STREQ(actions.transition_reason, "no master was heard");
    EXPECT_EQ(machine.deadline(), at(425));
}

TEST(VrrpMachine, AMasterAdvertisesOnTheBeatEvenWhenItIsCalledLate) {
    auto machine = master_of(options_of(200));
    EXPECT_EQ(machine.on_timer(at(503)), advertising(200));
    EXPECT_EQ(machine.deadline(), at(600));
    EXPECT_EQ(machine.on_timer(at(1000)), advertising(200));
    EXPECT_EQ(machine.deadline(), at(1100));
}

TEST(VrrpMachine, ABackupFollowsWhoIsGreaterOrEqualAndLearnsTheInterval) {
    for (const uint8_t priority : {uint8_t{100}, uint8_t{101}, uint8_t{255}}) {
        auto machine = running(options_of(100));
        EXPECT_EQ(machine.on_advert(advert_of(priority, 1000), kLower, at(50)), kNothing);
        EXPECT_EQ(machine.skew(), microseconds{609'375});  // 156/256 of the master's second
        EXPECT_EQ(machine.deadline(), at(50 + 3000) + machine.skew());
        EXPECT_EQ(machine.master_address(), kLower);
        const auto actions = machine.on_timer(machine.deadline());
        EXPECT_STREQ(actions.transition_reason, "the master has fallen silent");
        EXPECT_EQ(machine.down_interval(), microseconds{300'000 + 60'937} + std::chrono::nanoseconds{500});
    }
}

TEST(VrrpMachine, ALesserMasterIsPreempted) {
    auto machine = running(options_of(200));
    const auto deadline = machine.deadline();
    for (int64_t t = 0; t < 300; t += 100) EXPECT_EQ(machine.on_advert(advert_of(199), kHigher, at(t)), kNothing);
    EXPECT_EQ(machine.deadline(), deadline);
    EXPECT_EQ(plain(machine.on_timer(deadline)), taking_over(200));
}

TEST(VrrpMachine, WithoutPreemptionALesserMasterStaysUntilItFallsSilent) {
    auto options = options_of(200);
    options.preempt = false;
    auto machine = running(options);
    for (int64_t t = 0; t < 10'000; t += 100) {
        EXPECT_EQ(machine.on_timer(at(t)), kNothing);
        EXPECT_EQ(machine.on_advert(advert_of(1), kLower, at(t)), kNothing);
    }
    EXPECT_EQ(machine.deadline(), at(9900 + 300) + machine.skew());
}

TEST(VrrpMachine, PreemptionWaitsForItsDelayFromTheFirstLesserAdvertOn) {
    auto options = options_of(200);
    options.preempt_delay = Milliseconds{2000};
    auto machine = running(options);
    int64_t t = 100;
    for (; machine.state() == State::backup && t < 5000; t += 100) {
        machine.on_advert(advert_of(150), kLower, at(t));
        machine.on_timer(at(t + 50));
    }
    // Heard last within the delay at 2000, then silent to it for the down interval.
    EXPECT_EQ(t, 2400);
    EXPECT_EQ(machine.state(), State::master);
}

TEST(VrrpMachine, ADelayedPreemptionBeginsAnewAfterAGreaterMasterAndDoesNotHinderATakeOver) {
    auto options = options_of(200);
    options.preempt_delay = Milliseconds{300};
    auto machine = running(options);
    machine.on_advert(advert_of(150), kLower, at(0));
    machine.on_advert(advert_of(210), kHigher, at(100));
    machine.on_advert(advert_of(150), kLower, at(350));  // would be over, had it not begun anew
    EXPECT_EQ(machine.deadline(), at(650) + machine.skew());
    machine.on_advert(advert_of(0), kLower, at(400));
    EXPECT_EQ(plain(machine.on_timer(at(400) + machine.skew())), taking_over(200));
}

TEST(VrrpMachine, TheOwnerIsMasterAtOnceAndPreemptsWhateverIsConfigured) {
    auto options = options_of(kOwnerPriority);
    options.preempt = false;
    options.accept = false;
    Machine machine(options);
    EXPECT_TRUE(machine.options().accepts());
    machine.set_ready(true, at(0));
    machine.set_link(true, at(0));
    EXPECT_EQ(plain(machine.start(at(0))), taking_over(kOwnerPriority));
    EXPECT_EQ(machine.on_advert(advert_of(254), kHigher, at(10)).remove_addresses, false);
    EXPECT_EQ(machine.state(), State::master);
}

TEST(VrrpMachine, WhenTheMasterStepsDownTheNextOneWaitsForItsSkewAlone) {
    auto machine = running(options_of(192));
    machine.on_advert(advert_of(250), kHigher, at(100));
    EXPECT_EQ(machine.on_advert(advert_of(0), kHigher, at(150)), kNothing);
    EXPECT_EQ(machine.deadline(), at(175));
    machine.on_advert(advert_of(0), kHigher, at(170));  // said again: the take-over is not put off
    EXPECT_EQ(machine.deadline(), at(175));
    EXPECT_EQ(plain(machine.on_timer(at(175))), taking_over(192));
    EXPECT_EQ(machine.stats().handed_over, 2U);
}

TEST(VrrpMachine, SaysWhatAnAdvertHasSaidOfItsSender) {
    auto machine = running(options_of(100));
    machine.on_advert(advert_of(200), kHigher, at(10));
    EXPECT_EQ(machine.heard(), Heard::master);
    machine.on_advert(advert_of(0), kLower, at(20));
    EXPECT_EQ(machine.heard(), Heard::gone) << "its successor is known already";
    EXPECT_EQ(machine.deadline(), at(10) + machine.down_interval()) << "and goes on";
    machine.on_advert(advert_of(0), kHigher, at(30));
    EXPECT_EQ(machine.heard(), Heard::stepping_down);
    machine.on_advert(advert_of(50), kLower, at(40));
    EXPECT_EQ(machine.heard(), Heard::lesser);
    machine.on_timer(machine.deadline());
    ASSERT_EQ(machine.state(), State::master);
    machine.on_advert(advert_of(50), kLower, at(500));
    EXPECT_EQ(machine.heard(), Heard::lesser);
    machine.on_advert(advert_of(0), kLower, at(510));
    EXPECT_EQ(machine.heard(), Heard::gone);
    machine.on_advert(advert_of(150), kHigher, at(520));
    EXPECT_EQ(machine.heard(), Heard::master);
    machine.stop(at(530));
    machine.on_advert(advert_of(150), kHigher, at(540));
    EXPECT_EQ(machine.heard(), Heard::nothing);
}

TEST(VrrpMachine, AMasterAnswersOneThatStepsDownAtOnce) {
    auto machine = master_of(options_of(200));
    auto expected = advertising(200);
    expected.announce = true;
    EXPECT_EQ(machine.on_advert(advert_of(0), kHigher, at(450)), expected);
    EXPECT_EQ(machine.deadline(), at(550));
    EXPECT_EQ(machine.stats().splits, 0U);
}

TEST(VrrpMachine, StoppingGivesTheAddressesBack) {
    auto machine = master_of(options_of(200));
    const auto actions = machine.stop(at(450));
    EXPECT_EQ(plain(actions), stepping_down());
    EXPECT_STREQ(actions.transition_reason, "stopped");
    EXPECT_EQ(machine.deadline(), TimePoint::max());
    EXPECT_EQ(machine.stop(at(451)), kNothing);
    EXPECT_EQ(machine.set_ready(true, at(452)), kNothing);
    auto backup = running(options_of(100));
    EXPECT_EQ(plain(backup.stop(at(10))), kNothing);
}

TEST(VrrpMachine, AMasterThatIsNoLongerReadyOrLinkedStepsDownAndComesBackAsBackup) {
    using Set = Actions (Machine::*)(bool, TimePoint);
    for (const Set set : {&Machine::set_ready, &Machine::set_link}) {
        auto machine = master_of(options_of(200));
        EXPECT_EQ(plain((machine.*set)(false, at(450))), stepping_down());
        EXPECT_EQ(machine.state(), State::init);
        EXPECT_EQ((machine.*set)(false, at(460)), kNothing);
        EXPECT_EQ(plain((machine.*set)(true, at(500))), kNothing);
        EXPECT_EQ(machine.state(), State::backup);
        EXPECT_EQ((machine.*set)(true, at(510)), kNothing);
        EXPECT_EQ(machine.deadline(), at(800) + machine.skew());
    }
}

TEST(VrrpMachine, AfterARestartItGoesOnAsMasterOnlyWhenReadyAndLinked) {
    Machine machine(options_of(200));
    machine.set_ready(true, at(0));
    machine.set_link(true, at(0));
    const auto actions = machine.resume_as_master(at(0));
    EXPECT_EQ(plain(actions), taking_over(200));
    EXPECT_STREQ(actions.transition_reason, "went on as master after a restart");
    Machine unready(options_of(200));
    unready.set_link(true, at(0));
    EXPECT_EQ(unready.resume_as_master(at(0)), kNothing);
    unready.set_ready(true, at(5));
    EXPECT_EQ(unready.state(), State::backup);
}

TEST(VrrpMachine, WithoutPreemptionAMasterThatHasNotRunForADownIntervalHasLostItsTurn) {
    auto options = options_of(200);
    for (const bool preempt : {false, true}) {
        options.preempt = preempt;
        auto by_timer = master_of(options);
        auto by_advert = master_of(options);
        auto in_time = master_of(options);
        EXPECT_EQ(by_timer.on_timer(at(5000)).remove_addresses, !preempt);
        EXPECT_EQ(by_advert.on_advert(advert_of(100), kLower, at(5000)).remove_addresses, !preempt);
        EXPECT_EQ(by_advert.master_address().has_value(), !preempt);
        EXPECT_FALSE(in_time.on_timer(at(800)).remove_addresses);
    }
}

TEST(VrrpMachine, TimeThatGoesBackwardsStandsStill) {
    auto machine = running(options_of(192));
    machine.on_advert(advert_of(250), kHigher, at(1000));
    EXPECT_EQ(machine.on_advert(advert_of(250), kHigher, at(10)), kNothing);
    EXPECT_EQ(machine.deadline(), at(1325));
    EXPECT_EQ(machine.on_timer(at(0)), kNothing);
    EXPECT_EQ(plain(machine.on_timer(at(1325))), taking_over(192));
    EXPECT_EQ(machine.on_timer(at(500)), kNothing);
    EXPECT_EQ(machine.deadline(), at(1425));
}

TEST(VrrpMachine, ANewPriorityIsToldAtOnceAndMovesTheSkew) {
    auto machine = master_of(options_of(200));
    EXPECT_EQ(machine.set_priority(150, at(420)), advertising(150));
    EXPECT_EQ(machine.set_priority(150, at(421)), kNothing);
    EXPECT_EQ(machine.set_priority(0, at(422)), kNothing);
    EXPECT_EQ(machine.options().priority, 150);
    auto backup = running(options_of(128));
    EXPECT_EQ(backup.deadline(), at(350));
    EXPECT_EQ(backup.set_priority(192, at(10)), kNothing);
    EXPECT_EQ(backup.deadline(), at(325));
    EXPECT_EQ(plain(backup.set_priority(kOwnerPriority, at(20))), taking_over(kOwnerPriority));
}

TEST(VrrpMachine, ANewIntervalIsInForceWithoutGivingAnythingUp) {
    auto options = options_of(192);
    auto machine = master_of(options);
    auto backup = running(options);
    options.advert_interval = Milliseconds{1000};
    options.router_id = 3;
    EXPECT_EQ(machine.reconfigure(options, at(450)), advertising(192));
    EXPECT_EQ(machine.deadline(), at(1450));
    EXPECT_EQ(machine.options().router_id, 17);
    EXPECT_EQ(backup.reconfigure(options, at(100)), kNothing);
    EXPECT_EQ(backup.deadline(), at(100 + 3250));
}

}  // namespace
}  // namespace steelyard::vip
