#pragma once
// What became of answers' content: figures of upstreams whose policy compresses; of no others, so that series are few.
#include <prometheus/metric_family.h>

#include <cstddef>
#include <vector>

#include "sidecar/runtime/runtime.hpp"

namespace steelyard {

// Of the first `max_upstreams` upstreams by name, as the other families; those beyond are left out.
void add_content(std::vector<prometheus::MetricFamily>& out, const Runtime& runtime, size_t max_upstreams);

}  // namespace steelyard
