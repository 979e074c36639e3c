#pragma once
// How long to wait before the next attempt: exponential with full jitter (uniform in 0 .. min(cap, base * 2^attempts)),
// never below base / 10. Pure: the caller brings a random number.
#include <algorithm>
#include <cstdint>

#include "common/clock.hpp"

namespace steelyard::config {

class Backoff {
public:
    Backoff(Milliseconds base, Milliseconds cap) : base_(base), cap_(cap) {}

    // `random` is uniform over the whole of uint64_t.
    Milliseconds next(uint64_t random) {
        const auto ceiling = std::min<int64_t>(cap_.count(), base_.count() << std::min(attempts_, 20u));
        ++attempts_;
        const auto drawn = static_cast<int64_t>(random % static_cast<uint64_t>(ceiling + 1));
        return Milliseconds{std::max<int64_t>(drawn, base_.count() / 10)};
    }
    void reset() { attempts_ = 0; }
    uint32_t attempts() const { return attempts_; }

private:
    Milliseconds base_;
    Milliseconds cap_;
    uint32_t attempts_ = 0;
};

}  // namespace steelyard::config
