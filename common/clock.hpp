#pragma once
// The one clock of deadlines and intervals: monotonic, never wall time. State machines take a TimePoint, they never read it.
#include <chrono>

namespace steelyard {

using Clock = std::chrono::steady_clock;
using TimePoint = Clock::time_point;
using Duration = Clock::duration;
using Milliseconds = std::chrono::milliseconds;

}  // namespace steelyard
