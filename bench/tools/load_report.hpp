#pragma once
// What a load generator says at its end, one line of JSON that bench/run.py reads: requests, duration (us), p50, p99 (us), bad_status, broken.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <vector>

namespace steelyard::bench {

// `latencies`: in us, one a request; they are sorted.
inline void print_report(std::vector<std::uint32_t>& latencies, std::int64_t duration_ns, std::size_t bad,
                         std::size_t broken) {
    std::sort(latencies.begin(), latencies.end());
    const auto at = [&](std::size_t percent) {
        return latencies.empty() ? 0U : latencies[(latencies.size() - 1) * percent / 100];
    };
    std::printf(
        "{\"requests\": %zu, \"duration\": %lld, \"p50\": %u, \"p99\": %u, \"bad_status\": %zu, \"broken\": %zu}\n",
        latencies.size(), static_cast<long long>(duration_ns / 1000), at(50), at(99), bad, broken);
}

}  // namespace steelyard::bench
