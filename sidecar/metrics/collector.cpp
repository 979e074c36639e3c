#include "sidecar/metrics/collector.hpp"

#include <array>
#include <string>
#include <utility>

#include "common/metrics/builder.hpp"
#include "common/push/message.hpp"
#include "sidecar/metrics/content.hpp"
#include "sidecar/metrics/edge.hpp"
#include "sidecar/metrics/upstreams.hpp"

namespace steelyard {
namespace {

using metrics::Family;
using metrics::Labels;
using Families = std::vector<prometheus::MetricFamily>;

void add_workers(Families& out, const Runtime& runtime) {
    auto accepted = Family::counter("steelyard_client_connections_total", "Client connections accepted.");
    auto open = Family::gauge("steelyard_client_connections", "Client connections open.");
    auto requests = Family::counter("steelyard_http_requests_total", "HTTP requests begun.");
    auto refused =
        Family::counter("steelyard_client_connections_refused_total", "Client connections closed unserved, by reason.");
    auto faults =
        Family::counter("steelyard_http_malformed_requests_total", "Requests refused as malformed, by fault.");
    auto timeouts = Family::counter("steelyard_client_timeouts_total", "Clients that were too slow.");
    for (size_t i = 0; i < runtime.workers().size(); ++i) {
        const auto& c = runtime.workers()[i]->counters();
        const Labels worker{{"worker", std::to_string(i)}};
        accepted.add(static_cast<double>(c.accepted.get()), worker);
        open.add(static_cast<double>(c.sessions.get()), worker);
        requests.add(static_cast<double>(c.http_requests.get()), worker);
        timeouts.add(static_cast<double>(c.timeouts.get()), worker);
    }
    uint64_t over_limit = 0;
    uint64_t outside = 0;
    uint64_t errors = 0;
    std::array<uint64_t, kFaults> by_fault{};
    for (const auto& worker : runtime.workers()) {
        over_limit += worker->counters().refused_limit.get();
        outside += worker->counters().refused_source.get();
        errors += worker->counters().accept_errors.get();
        for (size_t i = 0; i < kFaults; ++i) by_fault[i] += worker->counters().faults[i].get();
    }
    refused.add(static_cast<double>(over_limit), {{"reason", "max_connections"}});
    refused.add(static_cast<double>(outside), {{"reason", "source_range"}});
    refused.add(static_cast<double>(errors), {{"reason", "accept_error"}});
    for (size_t i = 1; i < kFaults; ++i) {
        faults.add(static_cast<double>(by_fault[i]),
                   {{"fault", std::string(http::to_string(static_cast<http::Fault>(i)))}});
    }
    for (auto* family : {&accepted, &open, &requests, &refused, &faults, &timeouts}) std::move(*family).into(out);
}

void add_proxy_protocol(Families& out, const Runtime& runtime) {
    uint64_t taken = 0;
    std::array<uint64_t, static_cast<size_t>(proxy_protocol::Fault::kCount)> faults{};
    for (const auto& worker : runtime.workers()) {
        taken += worker->counters().proxy_headers.get();
        for (size_t i = 0; i < faults.size(); ++i) faults[i] += worker->counters().proxy_faults[i].get();
    }
    auto headers = Family::counter("steelyard_proxy_protocol_headers_total",
                                   "Connections that began with a PROXY header, as they had to.");
    headers.add(static_cast<double>(taken), {});
    auto refused = Family::counter("steelyard_proxy_protocol_refused_total",
                                   "Connections closed because of their PROXY header, by what was wrong with it.");
    for (size_t i = 1; i < faults.size(); ++i) {
        refused.add(static_cast<double>(faults[i]),
                    {{"reason", proxy_protocol::to_string(static_cast<proxy_protocol::Fault>(i))}});
    }
    std::move(headers).into(out);
    std::move(refused).into(out);
}

void add_capture(Families& out, const Runtime& runtime) {
    uint64_t balanced = 0, passed = 0, refused = 0, waiting = 0, failures = 0;
    for (const auto& worker : runtime.workers()) {
        const WorkerCounters& c = worker->counters();
        balanced += c.capture_balanced.get();
        passed += c.capture_passthrough.get();
        refused += c.capture_refused.get();
        waiting += c.capture_waiting.get();
        failures += c.passthrough_failures.get();
    }
    auto connections = Family::counter("steelyard_capture_connections_total",
                                       "Connections redirected to the proxy, by what became of them.");
    connections.add(static_cast<double>(balanced), {{"outcome", "balanced"}});
    connections.add(static_cast<double>(passed), {{"outcome", "passthrough"}});
    connections.add(static_cast<double>(refused), {{"outcome", "refused"}});
    auto failed = Family::counter("steelyard_capture_passthrough_failures_total",
                                  "Of those passed through, the destination did not take them.");
    failed.add(static_cast<double>(failures), {});
    auto waits = Family::gauge("steelyard_capture_waiting", "Captured connections whose upstream is being built.");
    waits.add(static_cast<double>(waiting), {});
    auto addresses = Family::gauge("steelyard_capture_addresses", "Services' addresses and ports that are balanced.");
    addresses.add(static_cast<double>(runtime.capture().table()->size()), {});
    auto upstreams = Family::gauge("steelyard_capture_upstreams", "Upstreams in use by captured connections.");
    upstreams.add(static_cast<double>(runtime.capture().demanded().size()), {});
    for (auto* family : {&connections, &failed, &waits, &addresses, &upstreams}) std::move(*family).into(out);
}

void add_single(Families& out, Family family, double value, const Labels& labels = {}) {
    family.add(value, labels);
    std::move(family).into(out);
}

void add_config(Families& out, const SidecarCollector::Sources& sources) {
    add_single(out, Family::gauge("steelyard_draining", "1 once the process was told to go."),
               sources.draining ? 1 : 0);
    add_single(out, Family::gauge("steelyard_config_endpoints", "Endpoints in the configuration in force."),
               static_cast<double>(sources.state.endpoint_count()));
    add_single(
        out, Family::gauge("steelyard_client_connections_limit", "The most client connections that all workers serve."),
        static_cast<double>(sources.max_connections));
    const auto version = push::Version::parse(sources.state.version());
    add_single(out,
               Family::gauge("steelyard_config_version",
                             "The counter of the version in force; 0 before the first and with --config."),
               version ? static_cast<double>(version->counter) : 0);
    add_single(out, Family::gauge("steelyard_listeners", "Listeners that are open."),
               static_cast<double>(sources.runtime.listeners().size()));
    add_single(out, Family::counter("steelyard_listener_failures_total", "Pushed listeners that could not be opened."),
               static_cast<double>(sources.runtime.listener_failures()));
    if (sources.writer != nullptr) {
        const auto stats = sources.writer->stats();
        add_single(out, Family::counter("steelyard_state_writes_total", "Times the last good configuration was saved."),
                   static_cast<double>(stats.writes));
        add_single(out, Family::counter("steelyard_state_write_failures_total", "Times saving it failed."),
                   static_cast<double>(stats.failures));
    }
    if (sources.client == nullptr) return;
    const auto stats = sources.client->stats();
    add_single(out, Family::gauge("steelyard_controller_connected", "1 while connected to the controller."),
               stats.connected);
    add_single(out, Family::gauge("steelyard_config_in_sync", "1 while what is in force is what the controller has."),
               stats.in_sync);
    add_single(out,
               Family::gauge("steelyard_config_age_seconds", "Since the controller was last heard; 0 while in sync."),
               stats.config_age_seconds);
    add_single(out, Family::gauge("steelyard_config_last_change_timestamp_seconds", "When the last push was applied."),
               static_cast<double>(stats.last_change_unix_ms) / 1e3);
    add_single(out, Family::gauge("steelyard_config_last_apply_seconds", "How long applying the last push took."),
               stats.last_apply_seconds);
    auto pushes =
        Family::counter("steelyard_config_pushes_total", "Frames from the controller, by what became of them.");
    pushes.add(static_cast<double>(stats.snapshots), {{"result", "snapshot"}});
    pushes.add(static_cast<double>(stats.deltas), {{"result", "delta"}});
    pushes.add(static_cast<double>(stats.nacks), {{"result", "nack"}});
    std::move(pushes).into(out);
    add_single(out, Family::counter("steelyard_config_received_bytes_total", "Bytes of frames from the controller."),
               static_cast<double>(stats.bytes));
    add_single(out,
               Family::counter("steelyard_controller_disconnects_total", "Connections to the controller that ended."),
               static_cast<double>(stats.disconnects));
    add_single(out, Family::counter("steelyard_controller_connects_total", "Connections made to the controller."),
               static_cast<double>(stats.connects));
    add_single(
        out,
        Family::counter("steelyard_controller_name_in_use_total", "Times the controller refused this proxy's name."),
        static_cast<double>(stats.name_in_use));
}

void add_access_log(Families& out, const access_log::AccessLog::Stats& stats) {
    add_single(out, Family::counter("steelyard_access_log_lines_total", "Lines of the access log that were written."),
               static_cast<double>(stats.lines));
    auto dropped = Family::counter("steelyard_access_log_dropped_total", "Lines of the access log that were lost.");
    dropped.add(static_cast<double>(stats.dropped_full), {{"reason", "full"}});
    dropped.add(static_cast<double>(stats.dropped_error), {{"reason", "error"}});
    std::move(dropped).into(out);
    add_single(out, Family::counter("steelyard_access_log_write_errors_total", "Writes to the access log that failed."),
               static_cast<double>(stats.errors));
}

// Of a name: 49 today, and 13 more of one of UDP, with room for what comes. What is about no upstream takes less than `kProgramSeries`.
constexpr size_t kUpstreamSeries = 80;
constexpr size_t kProgramSeries = 500;

}  // namespace

SidecarCollector::SidecarCollector(Sources sources, size_t series_limit)
    : sources_(sources),
      max_upstreams_(
          series_limit < kProgramSeries + kUpstreamSeries ? 0 : (series_limit - kProgramSeries) / kUpstreamSeries),
      limit_(series_limit) {}

std::vector<prometheus::MetricFamily> SidecarCollector::Collect() const {
    Families out;
    UpstreamTable table;
    UpstreamTotals other;
    EndpointFamilies endpoints;
    size_t others = 0;
    const auto probes = sources_.prober.stats();
    for (const auto& [name, snapshot] : sources_.runtime.upstreams()) {
        UpstreamTotals* totals = &other;
        if (table.size() < max_upstreams_) {
            totals = &table.emplace_back(name, UpstreamTotals{}).second;
            endpoints.add(name, *snapshot);
        } else {
            ++others;
        }
        for (size_t i = 0; i < snapshot->stats->workers(); ++i) totals->add(snapshot->stats->worker(i));
        totals->udp = totals->udp || snapshot->protocol == config::Protocol::udp;
        totals->add_hosts(*snapshot);
        if (const auto found = probes.find(name); found != probes.end()) totals->add_probes(found->second);
    }
    if (others != 0) table.emplace_back("(other)", other);
    add_upstreams(out, table);
    endpoints.into(out);
    add_content(out, sources_.runtime, max_upstreams_);
    add_single(out,
               Family::gauge("steelyard_metrics_unnamed_upstreams",
                             "Upstreams added up as (other): the limit of series is reached."),
               static_cast<double>(others));
    add_workers(out, sources_.runtime);
    add_proxy_protocol(out, sources_.runtime);
    if (sources_.runtime.capture_options().port != 0) add_capture(out, sources_.runtime);
    add_config(out, sources_);
    if (sources_.edge != nullptr) add_edge(out, sources_.runtime, *sources_.edge);
    if (sources_.access_log != nullptr) add_access_log(out, sources_.access_log->stats());
    std::vector<int> tables;
    for (const auto& worker : sources_.runtime.workers()) tables.push_back(worker->descriptor_table());
    metrics::add_process_metrics("steelyard-sidecar", out, tables);
    limit_.apply(out);
    return out;
}

}  // namespace steelyard
