#pragma once
// Durations as people write them in annotations, in the syntax of Go's time.ParseDuration reduced to what a setting needs: numbers
// with units, "500ms", "5s", "1m30s", "1.5h"; units ms, s, m, h; no sign. "0" needs no unit. Pure.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace steelyard::translate {

// Milliseconds from `low` to `high`. A fraction of a millisecond is refused.
Result<uint32_t> parse_duration(std::string_view text, uint32_t low, uint32_t high);

// "1m30s", "500ms", "0s".
std::string format_duration(uint32_t milliseconds);

}  // namespace steelyard::translate
