#include "sidecar/health/machine.hpp"

#include <gtest/gtest.h>

#include <string>

namespace steelyard::health {
namespace {

using State = HealthMachine::State;
using std::chrono::milliseconds;

constexpr TimePoint t0{std::chrono::hours(1)};
constexpr uint64_t kLeast = 0;
constexpr uint64_t kMiddle = uint64_t{1} << 63;
constexpr uint64_t kMost = UINT64_MAX;

config::HealthCheck check(uint32_t rise = 2, uint32_t fall = 3) {
    config::HealthCheck result;
    result.rise = rise;
    result.fall = fall;
    return result;
}

// Results as '+' and '-'; the answer has the state after each ('?', 'u', 'd'), upper case when the machine told a transition.
std::string feed(HealthMachine& machine, std::string_view results) {
    std::string states;
    for (const char one : results) {
        const auto told = one == '0'
                              ? (machine.on_nothing({.ok = false, .started = t0, .ended = t0}, kMiddle), std::nullopt)
                              : machine.on_result({.ok = one == '+', .started = t0, .ended = t0}, kMiddle);
        if (told) {
            EXPECT_EQ(*told, machine.state());
        }
        const char letter = machine.state() == State::up ? 'u' : machine.state() == State::down ? 'd' : '?';
        states += told ? static_cast<char>(letter - 'a' + 'A') : letter;
    }
    return states;
}

struct Row {
    uint32_t rise;
    uint32_t fall;
    std::string results;
    std::string states;
    std::string point;
    State carried = State::unknown;
};

class HealthMachineTable : public testing::TestWithParam<Row> {};

TEST_P(HealthMachineTable, GoesThroughTheseStates) {
    const Row& row = GetParam();
    HealthMachine machine(check(row.rise, row.fall), t0, kLeast, row.carried);
    EXPECT_EQ(feed(machine, row.results), row.states) << row.point << ": " << row.results;
}

INSTANTIATE_TEST_SUITE_P(
    HealthMachine, HealthMachineTable,
    testing::Values(Row{2, 3, "+", "U", "the first success is enough"},
                    Row{2, 3, "-", "D", "the first failure is enough"},
                    Row{2, 3, "++--+--", "Uuuuuuu", "two failures in a row are not three"},
                    Row{2, 3, "++--+---", "UuuuuuuD", "the third failure in a row, not the third in all"},
                    Row{2, 3, "+-----", "UuuDdd", "a transition is told once"},
                    Row{2, 3, "-++", "DdU", "down at the start, it takes `rise` to be up"},
                    Row{2, 3, "-+-+-+", "Dddddd", "flapping stays down"},
                    Row{2, 3, "+---+-++", "UuuDdddU", "a failure begins the count to `rise` anew"},
                    Row{1, 1, "+-+-", "UDUD", "thresholds of one follow every result"},
                    Row{3, 2, "+--+++--", "UuDddUuD", "rise and fall are not mixed up"},
                    Row{2, 3, "0000", "????", "nothing learnt, nothing decided"},
                    Row{2, 3, "0+00-0-0-", "?UuuuuuuD",
                        "a probe that says nothing neither counts nor interrupts a row"},
                    Row{2, 3, "-", "D", "a carried state falls with the first result that contradicts it", State::up},
                    Row{2, 3, "+", "U", "a carried state rises with it", State::down},
                    Row{2, 3, "+--", "uuu", "a carried state that is confirmed is not told again", State::up},
                    Row{2, 3, "-+", "dd", "and then the thresholds hold", State::down}));

TEST(HealthMachine, IsUnknownUntilItsFirstResult) {
    EXPECT_EQ(HealthMachine(check(), t0, kLeast).state(), State::unknown);
    EXPECT_EQ(to_string(State::unknown), "unknown");
    EXPECT_EQ(to_string(State::up), "up");
    EXPECT_EQ(to_string(State::down), "down");
}

TEST(HealthMachine, TheFirstProbeIsWithinASecondAndWithinTheInterval) {
    struct Case {
        uint32_t interval_ms;
        uint64_t random;
        int due_ms;
    };
    for (const Case& c : {Case{5000, kLeast, 0}, Case{5000, kMiddle, 500}, Case{5000, kMost, 999},
                          Case{200, kMiddle, 100}, Case{200, kMost, 199}, Case{3'600'000, kMiddle, 500}}) {
        auto one = check();
        one.interval_ms = c.interval_ms;
        const auto due = HealthMachine(one, t0, c.random).next_probe() - t0;
        EXPECT_EQ(std::chrono::floor<milliseconds>(due).count(), c.due_ms);
    }
}

TEST(HealthMachine, TheNextProbeIsAnIntervalAfterTheStartOfTheLastGiveOrTakeTheJitter) {
    struct Case {
        uint32_t jitter_percent;
        uint64_t random;
        int took_ms;
        int next_ms;  // after the start
    };
    for (const Case& c : {Case{0, kMost, 5, 5000}, Case{10, kLeast, 5, 4500}, Case{10, kMiddle, 5, 5000},
                          Case{10, kMost, 5, 5500}, Case{50, kLeast, 5, 2500}, Case{50, kMost, 5, 7500},
                          Case{10, kLeast, 4800, 4800}, Case{10, kMiddle, 9000, 9000}}) {
        auto one = check();
        one.jitter_percent = c.jitter_percent;
        HealthMachine machine(one, t0, kLeast);
        machine.on_result({.ok = true, .started = t0, .ended = t0 + milliseconds(c.took_ms)}, c.random);
        const auto next = std::chrono::floor<milliseconds>(machine.next_probe() - t0).count();
        EXPECT_EQ(next, c.next_ms) << c.jitter_percent << " % " << c.random;
        machine.on_nothing({.ok = false, .started = t0, .ended = t0 + milliseconds(c.took_ms)}, c.random);
        EXPECT_EQ(std::chrono::floor<milliseconds>(machine.next_probe() - t0).count(), c.next_ms);
    }
}

}  // namespace
}  // namespace steelyard::health
