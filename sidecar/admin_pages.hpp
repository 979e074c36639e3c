#pragma once
// The bodies of the sidecar's admin pages, as JSON.
#include <string>
#include <vector>

#include "common/push/message.hpp"
#include "sidecar/config/state.hpp"
#include "sidecar/edge/agent.hpp"
#include "sidecar/runtime/runtime.hpp"

namespace steelyard {

// What was pushed: version, listeners, upstreams, endpoints, in the push protocol's shapes.
std::string config_page(const config::ConfigState& state);

// What runs: each upstream in use with its hosts' weight, state, health, requests in flight and counts; the listeners;
// and, when capturing, how many Services' addresses are known and which upstreams captured connections use.
// `refused`: what the controller does not give us, and why.
std::string upstreams_page(const Runtime& runtime, const std::vector<push::RefusedWant>& refused);

// Role edge: the virtual routers that this node should run, and what steelyard-vip does.
std::string virtual_ips_page(const edge::Agent& agent);

}  // namespace steelyard
