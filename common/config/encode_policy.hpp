#pragma once
// A policy as JSON: `upstream.policy` of docs/push-protocol.md. What has its default is left out, save what a reader wants to see.
#include <string>

#include "common/config/policy.hpp"

namespace steelyard::config {

void append_policy(std::string& out, const Policy& policy);

}  // namespace steelyard::config
