#pragma once
// Durations as flags have them: "250ms", "5s", "2m", "1h".
#include <optional>
#include <string_view>

#include "common/clock.hpp"

namespace steelyard::cli {

inline constexpr Milliseconds kYear{int64_t{365} * 24 * 3'600'000};

// nullopt when it is no such text, or more than `limit`.
std::optional<Milliseconds> parse_duration(std::string_view text, Milliseconds limit = kYear);

}  // namespace steelyard::cli
