#pragma once
// A histogram of durations in seconds, for what happens rarely enough to be counted under a lock or on one thread: pushes,
// batches. Needs no library, so that protocol code may hold one. Not thread-safe.
#include <array>
#include <cstddef>
#include <cstdint>

namespace steelyard::metrics {

class Durations {
public:
    // Upper bounds in seconds; the last bucket has none.
    static constexpr std::array<double, 15> kBounds{0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1,
                                                    0.25,   0.5,   1,      2.5,   5,    10,    30};

    void observe(double seconds) {
        size_t i = 0;
        while (i < kBounds.size() && seconds > kBounds[i]) ++i;
        ++buckets_[i];
        sum_ += seconds;
    }

    // Not cumulative: one for each bound and one for what is longer than all of them.
    const std::array<uint64_t, kBounds.size() + 1>& buckets() const { return buckets_; }
    double sum() const { return sum_; }

private:
    std::array<uint64_t, kBounds.size() + 1> buckets_{};
    double sum_ = 0;
};

}  // namespace steelyard::metrics
