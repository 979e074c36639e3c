#pragma once
// Decides when an endpoint is up or down, and when to probe it next. Fed with probe results, time and random numbers; never does
// I/O, never reads a clock. One for each endpoint and check; the thread that probes owns it.
//
// The first result decides at once, whichever it is: a proxy that has just started knows within one probe who is there (as
// HAProxy takes a server down on its first failure, and Envoy takes one up on its first success). From then on it takes `rise`
// successes in a row to be up again, `fall` failures in a row to be down.
#include <cstdint>
#include <optional>
#include <string_view>

#include "common/clock.hpp"
#include "common/config/model.hpp"

namespace steelyard::health {

struct ProbeResult {
    bool ok = false;
    TimePoint started;
    TimePoint ended;
};

class HealthMachine {
public:
    enum class State : uint8_t { unknown, up, down };

    // The first probe is due within the first interval, and within a second, at a moment that `random` (even over all 64 bits)
    // gives: the targets of one upstream are not all probed at once.
    // `carried` is what another check found before: kept until this one's first result decides.
    HealthMachine(const config::HealthCheck& check, TimePoint now, uint64_t random, State carried = State::unknown);

    // Returns the new state if this result changed it. The next probe is an interval after the start of this one, give or take
    // the jitter that `random` gives, and not before the end of it.
    std::optional<State> on_result(const ProbeResult& result, uint64_t random);
    // A probe that says nothing of the endpoint (no socket to be had here): just tries again an interval later.
    void on_nothing(const ProbeResult& result, uint64_t random);

    State state() const { return state_; }
    TimePoint next_probe() const { return next_probe_; }

private:
    void schedule(const ProbeResult& result, uint64_t random);

    Milliseconds interval_;
    uint32_t jitter_percent_;
    uint32_t rise_;
    uint32_t fall_;
    uint32_t against_ = 0;  // results in a row that speak against state_
    bool decided_ = false;  // had its first result
    State state_;
    TimePoint next_probe_;
};

std::string_view to_string(HealthMachine::State state);

}  // namespace steelyard::health
