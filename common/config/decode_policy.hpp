#pragma once
// A policy from parsed JSON: `upstream.policy` of docs/push-protocol.md.
#include <nlohmann/json_fwd.hpp>

#include "common/config/policy.hpp"
#include "common/config/problems.hpp"

namespace steelyard::config {

// What is absent stays as it is in `policy`; what is wrong is noted. Ranges of numbers are checked here, all else by validate().
void decode_policy(const nlohmann::json& value, const Path& path, Problems& problems, Policy& policy);

}  // namespace steelyard::config
