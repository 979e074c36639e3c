#pragma once
// Slow start (policy.slow_start): a host that becomes usable while others serve already has a part of its weight at first, and more and
// more over the window. That is so for a host that a new version of the endpoints brings, and for one that the health check finds up
// again; never for those of the first version, nor for one that comes when nobody else serves.
//
// What begins warming is written by the main thread; when it ends is a matter of the clock. Times are steady milliseconds.
#include <cstdint>

#include "common/clock.hpp"
#include "common/config/model.hpp"

namespace steelyard {

class Host;
struct UpstreamSnapshot;

int64_t steady_ms(TimePoint time);

// What percentage of its weight a host has that has been warming since then (0: all of it); rises evenly from min_percent to 100.
uint32_t warm_percent(const config::SlowStart& slow_start, int64_t since_ms, int64_t now_ms);

// Until when a host of this version may be warming; 0: none is.
int64_t warming_until(const UpstreamSnapshot& snapshot);

// `after` follows `before` (null: nothing was there): its new hosts begin to warm up.
void warm_new_hosts(const UpstreamSnapshot* before, const UpstreamSnapshot& after, int64_t now_ms);
// The host was down and is up.
void warm_returned_host(const UpstreamSnapshot& snapshot, Host& host, int64_t now_ms);

}  // namespace steelyard
