#pragma once
// The series of role edge: virtual routers, the files shared with steelyard-vip, clients' addresses that were lost.
#include <prometheus/metric_family.h>

#include <vector>

#include "sidecar/edge/agent.hpp"
#include "sidecar/runtime/runtime.hpp"

namespace steelyard {

void add_edge(std::vector<prometheus::MetricFamily>& out, const Runtime& runtime, const edge::Agent& agent);

}  // namespace steelyard
