#pragma once
// Exponential back-off with full jitter: the n-th wait is uniform over [0, min(limit, base * 2^n)], so that clients
// which failed together do not come back together. The first wait is at most `base`: a dropped connection is mended at
// once. Pure; one thread. Source: "Exponential Backoff And Jitter", AWS Architecture Blog, 2015.
#include <algorithm>
#include <cstdint>
#include <functional>
#include <utility>

#include "common/clock.hpp"

namespace steelyard::kube {

class Backoff {
public:
    using Random = std::function<double()>;  // uniform over [0, 1)

    Backoff(Milliseconds base, Milliseconds limit, Random random)
        : base_(base), limit_(limit), random_(std::move(random)) {}

    Milliseconds next() {
        const int64_t ceiling = std::min<int64_t>(limit_.count(), base_.count() << std::min<uint32_t>(failures_, 20));
        ++failures_;
        return Milliseconds(static_cast<int64_t>(random_() * static_cast<double>(ceiling)));
    }

    void reset() { failures_ = 0; }
    uint32_t failures() const { return failures_; }  // waits given since the last reset

private:
    Milliseconds base_;
    Milliseconds limit_;
    Random random_;
    uint32_t failures_ = 0;
};

}  // namespace steelyard::kube
