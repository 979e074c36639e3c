#include "controller/inject/metrics.hpp"

#include <map>
#include <string>

#include "common/metrics/builder.hpp"

namespace steelyard::inject {

using metrics::Family;

void add_inject_metrics(const ServiceStats& stats, std::vector<prometheus::MetricFamily>& out) {
    auto injections = Family::counter("steelyard_controller_injections_total",
                                      "Pods that the webhook was asked about, by what became of them.");
    injections.add(static_cast<double>(stats.pods.injected), {{"result", "injected"}});
    injections.add(static_cast<double>(stats.pods.skipped), {{"result", "skipped"}});
    injections.add(static_cast<double>(stats.pods.refused), {{"result", "refused"}});
    injections.add(static_cast<double>(stats.pods.errors), {{"result", "error"}});
    std::move(injections).into(out);
    auto connections =
        Family::gauge("steelyard_controller_webhook_connections", "Connections of the webhook listener.");
    connections.add(static_cast<double>(stats.server.connections));
    std::move(connections).into(out);
    auto refused = Family::counter("steelyard_controller_webhook_refused_total",
                                   "Connections and requests of the webhook listener that failed, by reason.");
    std::map<std::string, uint64_t> reasons = stats.server.refused;
    for (const char* reason :
         {"bad_request", "busy", "handshake", "no_certificate", "not_found", "timeout", "too_large"})
        reasons.try_emplace(reason, 0);  // from the start, so that an increase can be seen
    for (const auto& [reason, count] : reasons) refused.add(static_cast<double>(count), {{"reason", reason}});
    std::move(refused).into(out);
}

}  // namespace steelyard::inject
