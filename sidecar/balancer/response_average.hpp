#pragma once
// How long a host takes to answer, as all workers have lately seen it: an exponentially weighted moving average that goes up to a
// slower sample at once and comes down from it with a time constant of kTau ("peak EWMA", as Finagle's balancer of that name does).
//
// One 64-bit atomic, no lock: two workers that write at the same moment may lose a sample, never mix two. Times are what the caller
// says; milliseconds of any steady clock, the same for all callers, wrapping.
#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>

namespace steelyard::balancer {

class ResponseAverage {
public:
    static constexpr float kTauMs = 5000.0F;
    // Below this confidence, 3 kTau after the last sample, a host counts as one that nobody has seen.
    static constexpr float kLeastConfidence = 0.05F;
    static constexpr uint32_t kMaxUs = 3'600'000'000U;

    struct Reading {
        uint32_t us = 0;
        float confidence = 0;  // 1 just after a sample, falling with time; 0: not known (any more)
    };

    void observe(uint64_t sample_us, uint32_t now_ms) {
        const auto sample = static_cast<uint32_t>(std::clamp<uint64_t>(sample_us, 1, kMaxUs));
        const uint64_t was = state_.load(std::memory_order_relaxed);
        state_.store(pack(next(was, sample, now_ms), now_ms), std::memory_order_relaxed);
    }

    Reading read(uint32_t now_ms) const {
        const uint64_t state = state_.load(std::memory_order_relaxed);
        if (us_of(state) == 0) return {};
        const float confidence = decay(ms_of(state), now_ms);
        if (confidence < kLeastConfidence) return {.us = us_of(state), .confidence = 0};
        return {.us = us_of(state), .confidence = confidence};
    }

    // As of the last sample; 0: none.
    uint32_t last_us() const { return us_of(state_.load(std::memory_order_relaxed)); }

private:
    static uint64_t pack(uint32_t us, uint32_t ms) { return uint64_t{ms} << 32 | us; }
    static uint32_t us_of(uint64_t state) { return static_cast<uint32_t>(state); }
    static uint32_t ms_of(uint64_t state) { return static_cast<uint32_t>(state >> 32); }

    // A worker whose clock is behind that of the last sample's counts as no time gone by.
    static float decay(uint32_t since_ms, uint32_t now_ms) {
        const auto gone = static_cast<int32_t>(now_ms - since_ms);
        return gone <= 0 ? 1.0F : std::exp(static_cast<float>(-gone) / kTauMs);
    }

    static uint32_t next(uint64_t was, uint32_t sample, uint32_t now_ms) {
        const uint32_t before = us_of(was);
        const float kept = decay(ms_of(was), now_ms);
        if (sample >= before || kept < kLeastConfidence) return sample;
        return sample + static_cast<uint32_t>(static_cast<float>(before - sample) * kept);
    }

    std::atomic<uint64_t> state_{0};  // the average in microseconds (0: none), and above it when the last sample came
};

}  // namespace steelyard::balancer
