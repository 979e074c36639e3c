// A script drives the machine: at second S something happened, then the machine's next step and whether it leads.
#include "controller/leader/machine.hpp"

#include <gtest/gtest.h>

#include <sstream>

namespace steelyard::leader {
namespace {

const TimePoint t0 = TimePoint{} + std::chrono::hours(1);
const kube::WallTime kWall{};
TimePoint at(double seconds) {
    return t0 + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(seconds));
}

Lease held_by(const std::string& holder, const std::string& renewed = "r0", int seconds = 15) {
    Lease lease;
    lease.holder = holder;
    lease.duration = std::chrono::seconds(seconds);
    lease.renew_time = renewed;
    lease.transitions = 4;
    lease.resource_version = "1";
    lease.object = "{}";
    return lease;
}

class Machine : public ::testing::Test {
protected:
    LeaderMachine machine_{"me", Timing{}, [] { return 0.5; }};

    // "write", "wait 2.0", "follow 15.0 leads"
    std::string next(double now) {
        const auto step = machine_.next(at(now), kWall);
        static const char* const kNames[] = {"read", "create", "write", "follow", "wait"};
        std::ostringstream out;
        out << kNames[static_cast<int>(step.what)];
        if (step.until != TimePoint{}) out << ' ' << std::chrono::duration<double>(step.until - t0).count();
        if (machine_.leads(at(now))) out << " leads";
        return out.str();
    }
    void lead_from(double now) {
        machine_.on_absent(at(now));
        auto step = machine_.next(at(now), kWall);
        step.lease.resource_version = "1";
        machine_.on_written(step.lease, at(now));
    }
};

TEST_F(Machine, WithoutALeaseOneIsMadeAndRenewedEachRetryPeriod) {
    EXPECT_EQ(next(0), "read");
    machine_.on_absent(at(0));
    const auto step = machine_.next(at(0), kWall);
    EXPECT_EQ(step.what, LeaderMachine::Do::create);
    EXPECT_EQ(step.lease.holder, "me");
    EXPECT_EQ(step.lease.transitions, 0);
    EXPECT_EQ(step.lease.acquire_time, "1970-01-01T00:00:00.000000Z");
    machine_.on_written(step.lease, at(0));
    EXPECT_EQ(next(0.1), "wait 2 leads");
    EXPECT_EQ(next(2), "write leads");
    const auto renewal = machine_.next(at(2), kWall + std::chrono::seconds(2));
    EXPECT_EQ(renewal.lease.acquire_time, "1970-01-01T00:00:00.000000Z");
    EXPECT_EQ(renewal.lease.renew_time, "1970-01-01T00:00:02.000000Z");
    EXPECT_EQ(renewal.lease.transitions, 0);
    machine_.on_written(renewal.lease, at(2));
    EXPECT_EQ(next(2.1), "wait 4 leads");
}

TEST_F(Machine, AnothersLeaseIsWaitedForFromWhenItWasSeenToChangeAndByNoClockOfTheirs) {
    EXPECT_EQ(next(0), "read");
    machine_.on_lease(held_by("other", "2001-01-01T00:00:00.000000Z"), at(0));
    EXPECT_EQ(next(0), "follow 15");
    machine_.on_lease(held_by("other", "r1"), at(2));
    EXPECT_EQ(next(2), "follow 17");
    auto same = held_by("other", "r1");
    same.resource_version = "9";  // somebody's label is no sign of life
    machine_.on_lease(same, at(5));
    EXPECT_EQ(next(16.9), "follow 17");
    EXPECT_EQ(next(17), "write");
    const auto step = machine_.next(at(17), kWall);
    EXPECT_EQ(step.lease.transitions, 5);
    EXPECT_EQ(step.lease.resource_version, "9");
}

TEST_F(Machine, AReleasedOrNeverHeldLeaseIsTakenAtOnce) {
    machine_.on_lease(held_by("other"), at(0));
    EXPECT_EQ(next(0), "follow 15");
    machine_.on_lease(held_by("", "r1", 1), at(3));
    EXPECT_EQ(next(3), "write");
    machine_.on_lease(Lease{}, at(4));
    EXPECT_EQ(next(4), "write");
}

TEST_F(Machine, WhoLosesTheRaceReadsAndFollowsTheWinner) {
    machine_.on_lease(held_by(""), at(0));
    EXPECT_EQ(next(0), "write");
    machine_.on_conflict(at(0));
    EXPECT_EQ(next(0), "read");
    machine_.on_lease(held_by("winner", "r1"), at(0.1));
    EXPECT_EQ(next(0.1), "follow 15.1");
}

TEST_F(Machine, WhoKeepsLosingWaits) {
    machine_.on_lease(held_by(""), at(0));
    machine_.on_conflict(at(0));
    machine_.on_conflict(at(0));
    EXPECT_EQ(next(0), "read");
    machine_.on_conflict(at(0));
    EXPECT_EQ(next(0), "wait 3.2");
}

TEST_F(Machine, ALeaderThatCannotRenewStopsAtTheRenewDeadlineBeforeTheLeaseEnds) {
    lead_from(0);
    for (double now = 2; now < 10; now += 2) {
        EXPECT_EQ(next(now), now == 2 ? "write leads" : "read leads") << now;
        machine_.on_failure(at(now));
    }
    EXPECT_EQ(next(9.9), "wait 10 leads");
    EXPECT_FALSE(machine_.leads(at(10)));
    EXPECT_EQ(next(10), "read");
}

TEST_F(Machine, TheDeadlineCountsFromWhenTheRenewalWasSent) {
    lead_from(0);
    auto renewal = machine_.next(at(2), kWall);
    machine_.on_written(renewal.lease, at(2));  // answered at 6
    EXPECT_TRUE(machine_.leads(at(11.9)));
    EXPECT_FALSE(machine_.leads(at(12)));
}

TEST_F(Machine, AfterAnOutageOurOwnLeaseIsTakenUpAgainWithoutATransition) {
    lead_from(0);
    machine_.on_failure(at(9.5));
    EXPECT_FALSE(machine_.leads(at(10)));
    EXPECT_EQ(next(12), "read");
    machine_.on_lease(held_by("me"), at(12));
    const auto step = machine_.next(at(12), kWall);
    EXPECT_EQ(step.what, LeaderMachine::Do::write);
    EXPECT_EQ(step.lease.transitions, 4);
    machine_.on_written(step.lease, at(12));
    EXPECT_TRUE(machine_.leads(at(12)));
}

TEST_F(Machine, ARenewalWhoseAnswerWasLostIsNoLoss) {
    lead_from(0);
    EXPECT_EQ(next(2), "write leads");
    machine_.on_failure(at(4));  // but it was written
    EXPECT_EQ(next(6), "read leads");
    machine_.on_lease(held_by("me", "r1"), at(6));
    EXPECT_EQ(next(6), "write leads");
}

TEST_F(Machine, ALeaseTakenByHandEndsItAtOnce) {
    lead_from(0);
    EXPECT_EQ(next(2), "write leads");
    machine_.on_conflict(at(2));
    EXPECT_EQ(next(2), "read leads");
    machine_.on_lease(held_by("admin", "r1"), at(2.1));
    EXPECT_EQ(next(2.1), "follow 17.1");
}

TEST_F(Machine, ALeaderThatGoesLeavesTheLeaseFreeAndShort) {
    lead_from(0);
    const auto lease = machine_.release(at(1), kWall);
    ASSERT_TRUE(lease);
    EXPECT_EQ(lease->holder, "");
    EXPECT_EQ(lease->duration, Milliseconds(1000));
    EXPECT_EQ(lease->resource_version, "1");
    EXPECT_FALSE(machine_.leads(at(1)));
    EXPECT_FALSE(machine_.release(at(1), kWall));
}

TEST_F(Machine, WhoDoesNotLeadReleasesNothing) {
    machine_.on_lease(held_by("other"), at(0));
    EXPECT_FALSE(machine_.release(at(0), kWall));
    lead_from(1);
    EXPECT_FALSE(machine_.release(at(11), kWall));
}

TEST(Timing, FiguresThatCouldMakeTwoLeadersAreRefused) {
    const auto ms = [](int value) { return Milliseconds(value); };
    EXPECT_TRUE(validate({}));
    EXPECT_TRUE(validate({ms(2000), ms(1000), ms(200)}));
    EXPECT_EQ(validate({ms(10'000), ms(10'000), ms(2000)}).error().where, "--renew-deadline");
    EXPECT_EQ(validate({ms(15'500), ms(10'000), ms(2000)}).error().where, "--lease-duration");
    EXPECT_EQ(validate({ms(0), ms(0), ms(0)}).error().where, "--lease-duration");
    EXPECT_EQ(validate({ms(15'000), ms(2400), ms(2000)}).error().where, "--retry-period");
    EXPECT_EQ(validate({ms(15'000), ms(2400), ms(0)}).error().where, "--retry-period");
}

}  // namespace
}  // namespace steelyard::leader
