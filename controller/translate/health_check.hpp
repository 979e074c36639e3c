#pragma once
// The annotation steelyard.dev/health-check: a JSON object to a health check. Strict: what is not known is refused, for a
// misspelt "intervall" would silently probe at the default. Pure.
//   {"type": "http", "interval": "500ms", "timeout": "300ms", "rise": 1, "fall": 2, "jitter": 10,
//    "path": "/healthz", "host": "shop.example", "expected": ["200-399", 404]}
// "type" is required; path, host and expected belong to type http. Limits are those of common/config/model.hpp.
#include <optional>
#include <string_view>

#include "common/config/model.hpp"
#include "common/config/problems.hpp"

namespace steelyard::translate {

// Nothing if there is a problem; each is added to `problems` with the path of its field ("expected[1]", "" for the whole).
std::optional<config::HealthCheck> parse_health_check(std::string_view json, config::Problems& problems);

}  // namespace steelyard::translate
