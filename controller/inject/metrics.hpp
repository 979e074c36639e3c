#pragma once
// The webhook's figures as metric families: steelyard_controller_injections_total{result="injected|skipped|refused|error"},
// steelyard_controller_webhook_connections, steelyard_controller_webhook_refused_total{reason}.
#include <prometheus/metric_family.h>

#include <vector>

#include "controller/inject/service.hpp"

namespace steelyard::inject {

void add_inject_metrics(const ServiceStats& stats, std::vector<prometheus::MetricFamily>& out);

}  // namespace steelyard::inject
