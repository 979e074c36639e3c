#pragma once
// The ranges of the model's numbers, once, for the decoder and for validate(). Private to common/config.
#include <cstdint>
#include <string>

namespace steelyard::config {

struct Range {
    uint64_t low;
    uint64_t high;
    const char* what;  // as in "0 is not a port (1-65535)"

    bool holds(uint64_t value) const { return value >= low && value <= high; }
    std::string complaint(const std::string& value) const {
        return value + " is not " + what + " (" + std::to_string(low) + "-" + std::to_string(high) + ")";
    }
};

inline constexpr Range kPortRange{1, 65535, "a port"};
inline constexpr Range kListenerPortRange{0, 65535, "a listener's port"};
inline constexpr Range kWeightRange{0, 1'000'000, "a weight"};
inline constexpr Range kVirtualNodesRange{1, 1000, "a number of virtual nodes"};
inline constexpr Range kTableSizeRange{251, 1'048'583, "a prime"};
inline constexpr Range kLoadFactorRange{100, 1000, "a percentage of a host's share"};
inline constexpr Range kDrainRange{0, 86'400'000, "a drain time-out in milliseconds"};
inline constexpr Range kIntervalRange{100, 3'600'000, "an interval in milliseconds"};
inline constexpr Range kTimeoutRange{10, 3'600'000, "a time-out in milliseconds"};
inline constexpr Range kRiseRange{1, 100, "a count of successes"};
inline constexpr Range kFallRange{1, 100, "a count of failures"};
inline constexpr Range kJitterRange{0, 50, "a percentage of jitter"};
inline constexpr Range kStatusRange{100, 599, "a status code"};
inline constexpr Range kPriorityRange{0, 15, "a priority"};
inline constexpr Range kRouterIdRange{1, 255, "a virtual router id"};
inline constexpr Range kAdvertisementRange{10, 40'950, "an advertisement interval in milliseconds"};
inline constexpr Range kPreemptDelayRange{0, 3'600'000, "a preempt delay in milliseconds"};
inline constexpr Range kLeaseRange{1'000, 60'000, "a lease's duration in milliseconds"};
inline constexpr Range kSlowStartRange{1, 3'600'000, "a slow start in milliseconds"};
inline constexpr Range kPercentRange{1, 100, "a percentage"};
inline constexpr Range kMaxRequestsRange{0, 1'000'000, "a number of requests"};
inline constexpr Range kUpstreamTimeoutRange{10, 86'400'000, "a time-out in milliseconds"};
inline constexpr Range kMinBytesRange{0, 1ULL << 30, "a number of bytes"};
inline constexpr Range kCacheRange{1ULL << 16, 1ULL << 34, "a cache's size in bytes"};
inline constexpr Range kCacheObjectRange{1ULL << 10, 1ULL << 34, "the size of an answer in bytes"};

}  // namespace steelyard::config
