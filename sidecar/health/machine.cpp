#include "sidecar/health/machine.hpp"

#include <algorithm>

namespace steelyard::health {

namespace {

constexpr Milliseconds kFirstProbeWithin{1000};

double fraction(uint64_t random) { return static_cast<double>(random >> 11) * 0x1p-53; }  // [0, 1)

Duration part_of(Duration whole, double part) {
    return std::chrono::duration_cast<Duration>(std::chrono::duration<double, Duration::period>(whole) * part);
}

}  // namespace

HealthMachine::HealthMachine(const config::HealthCheck& check, TimePoint now, uint64_t random, State carried)
    : interval_(check.interval_ms),
      jitter_percent_(check.jitter_percent),
      rise_(check.rise),
      fall_(check.fall),
      state_(carried),
      next_probe_(now + part_of(std::min(interval_, kFirstProbeWithin), fraction(random))) {}

std::optional<HealthMachine::State> HealthMachine::on_result(const ProbeResult& result, uint64_t random) {
    schedule(result, random);
    const State found = result.ok ? State::up : State::down;
    const uint32_t needed = !decided_ ? 1 : result.ok ? rise_ : fall_;
    decided_ = true;
    if (found == state_) {
        against_ = 0;
        return std::nullopt;
    }
    if (++against_ < needed) return std::nullopt;
    against_ = 0;
    state_ = found;
    return state_;
}

void HealthMachine::on_nothing(const ProbeResult& result, uint64_t random) { schedule(result, random); }

void HealthMachine::schedule(const ProbeResult& result, uint64_t random) {
    const double jitter = jitter_percent_ / 100.0 * (2 * fraction(random) - 1);
    next_probe_ = std::max(result.started + part_of(interval_, 1 + jitter), result.ended);
}

std::string_view to_string(HealthMachine::State state) {
    switch (state) {
        case HealthMachine::State::up:
            return "up";
        case HealthMachine::State::down:
            return "down";
        case HealthMachine::State::unknown:
            break;
    }
    return "unknown";
}

}  // namespace steelyard::health
