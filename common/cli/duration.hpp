#pragma once
// Durations as flags have them: "250ms", "5s", "2m", "1h".
#include <optional>
#include <string_view>

#include "common/clock.hpp"

namespace steelyard::cli {

// nullopt when it is no such text, or more than a year.
std::optional<Milliseconds> parse_duration(std::string_view text);

}  // namespace steelyard::cli
