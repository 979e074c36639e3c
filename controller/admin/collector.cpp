#include "controller/admin/collector.hpp"

#include <algorithm>
#include <array>
#include <map>
#include <string>
#include <utility>

#include "common/clock.hpp"
#include "common/metrics/builder.hpp"
#include "common/push/message.hpp"
#include "controller/inject/metrics.hpp"

namespace steelyard {
namespace {

using metrics::Family;
using metrics::Labels;
using Families = std::vector<prometheus::MetricFamily>;

void single(Families& out, Family family, double value, const Labels& labels = {}) {
    family.add(value, labels);
    std::move(family).into(out);
}

// Reasons are shown from the start, at 0: an alert on an increase must not miss the first one.
constexpr std::array kKubeErrors{"unreachable", "timeout",   "unauthorized", "forbidden", "not_found",
                                 "gone",        "throttled", "server",       "status",    "malformed",
                                 "credentials", "idle",      "unnamed"};
constexpr std::array kRefusals{
    "max_connections", "handshake",    "bad_hello",   "protocol",       "unsupported_protocol",
    "name_in_use",     "unauthorized", "forbidden",   "expired",        "too_large",
    "timeout",         "tls",          "unavailable", "unauthenticated"};

template <size_t N>
std::map<std::string, uint64_t> with_zeros(std::map<std::string, uint64_t> counts,
                                           const std::array<const char*, N>& known) {
    for (const char* reason : known) counts.emplace(reason, 0);
    return counts;
}

double counter_of(const std::string& version) {
    const auto parsed = push::Version::parse(version);
    return parsed ? static_cast<double>(parsed->counter) : 0;
}

void add_kube(Families& out, const kube::KubeSource& source) {
    auto synced = Family::gauge("steelyard_kube_synced", "1 once a kind was listed to its end.");
    auto watching = Family::gauge("steelyard_kube_watching", "1 while a watch is open.");
    auto lists = Family::counter("steelyard_kube_lists_total", "Lists completed.");
    auto watches = Family::counter("steelyard_kube_watches_total", "Watches opened.");
    auto bookmarks = Family::counter("steelyard_kube_bookmarks_total", "Signs of life received over watches.");
    auto took = Family::gauge("steelyard_kube_last_list_seconds", "How long the last completed list took.");
    auto events = Family::counter("steelyard_kube_events_total", "Changes received over watches.");
    auto errors = Family::counter("steelyard_kube_errors_total", "Requests to the API server that failed, by reason.");
    auto age = Family::gauge("steelyard_kube_last_event_age_seconds", "Since the last change or bookmark of a watch.");
    for (const auto& kind : source.stats()) {
        const Labels labels{{"kind", kind.kind}};
        synced.add(kind.synced, labels);
        watching.add(kind.watching, labels);
        lists.add(static_cast<double>(kind.lists), labels);
        watches.add(static_cast<double>(kind.watches), labels);
        bookmarks.add(static_cast<double>(kind.bookmarks), labels);
        took.add(std::chrono::duration<double>(kind.last_list_took).count(), labels);
        events.add(static_cast<double>(kind.events), labels);
        if (kind.last_event) age.add(std::chrono::duration<double>(Clock::now() - *kind.last_event).count(), labels);
        for (const auto& [reason, count] : with_zeros(kind.errors, kKubeErrors)) {
            errors.add(static_cast<double>(count), {{"kind", kind.kind}, {"reason", reason}});
        }
    }
    for (auto* family : {&synced, &watching, &lists, &took, &watches, &events, &bookmarks, &errors, &age})
        std::move(*family).into(out);
}

void add_pipeline(Families& out, const PipelineStats& stats) {
    single(out, Family::gauge("steelyard_ready", "1 once the first lists are translated and pushed."), stats.ready);
    auto objects = Family::gauge("steelyard_cluster_objects", "What the controller holds of the cluster.");
    objects.add(static_cast<double>(stats.counts.services), {{"kind", "Service"}});
    objects.add(static_cast<double>(stats.counts.slices), {{"kind", "EndpointSlice"}});
    objects.add(static_cast<double>(stats.counts.endpoints), {{"kind", "endpoint"}});
    objects.add(static_cast<double>(stats.counts.weighted_pods), {{"kind", "weighted Pod"}});
    objects.add(static_cast<double>(stats.counts.policies), {{"kind", "LoadBalancingPolicy"}});
    objects.add(static_cast<double>(stats.counts.pools), {{"kind", "AddressPool"}});
    objects.add(static_cast<double>(stats.counts.advertisements), {{"kind", "VirtualIPAdvertisement"}});
    objects.add(static_cast<double>(stats.counts.nodes), {{"kind", "Node"}});
    std::move(objects).into(out);
    auto policies =
        Family::gauge("steelyard_policies", "LoadBalancingPolicies, by the reason of their condition Accepted.");
    for (const char* reason :
         {translate::kAccepted, translate::kConflicted, translate::kTargetNotFound, translate::kInvalid}) {
        const auto found = stats.policies.find(reason);
        policies.add(found == stats.policies.end() ? 0 : static_cast<double>(found->second), {{"reason", reason}});
    }
    std::move(policies).into(out);
    single(out,
           Family::gauge("steelyard_translate_problems", "What could not be translated as it stands (see /problems)."),
           static_cast<double>(stats.problems));
    single(out, Family::counter("steelyard_translate_batches_total", "Batches of changes translated and pushed."),
           static_cast<double>(stats.batches));
    single(out, Family::counter("steelyard_translate_units_total", "Services and slices translated."),
           static_cast<double>(stats.computed));
    auto durations = Family::histogram("steelyard_translate_batch_duration_seconds",
                                       "From taking a batch of changes to having handed it to the push sessions.");
    durations.add(stats.durations);
    std::move(durations).into(out);
}

void add_push(Families& out, const push::ServerStats& stats) {
    const auto behind =
        std::count_if(stats.proxies.begin(), stats.proxies.end(), [](const auto& p) { return p.behind; });
    const auto refusing = std::count_if(stats.proxies.begin(), stats.proxies.end(),
                                        [](const auto& p) { return !p.nacked_version.empty(); });
    single(out, Family::gauge("steelyard_push_connections", "Connections open, said hello or not."),
           static_cast<double>(stats.connections));
    single(out, Family::gauge("steelyard_push_connections_limit", "The most that are accepted."),
           static_cast<double>(stats.max_connections));
    single(out, Family::gauge("steelyard_push_version", "The counter of the newest version."),
           counter_of(stats.version));
    single(out, Family::gauge("steelyard_push_proxies", "Proxies that said hello."),
           static_cast<double>(stats.proxies.size()));
    single(out, Family::gauge("steelyard_push_proxies_behind", "Of these, with something not acknowledged yet."),
           static_cast<double>(behind));
    single(out, Family::gauge("steelyard_push_proxies_refusing", "Of these, that refused the newest they were sent."),
           static_cast<double>(refusing));
    auto frames = Family::counter("steelyard_push_frames_total", "Frames sent to proxies.");
    frames.add(static_cast<double>(stats.snapshots), {{"type", "snapshot"}});
    frames.add(static_cast<double>(stats.deltas), {{"type", "delta"}});
    std::move(frames).into(out);
    auto answers = Family::counter("steelyard_push_answers_total", "What proxies answered.");
    answers.add(static_cast<double>(stats.acks), {{"type", "ack"}});
    answers.add(static_cast<double>(stats.nacks), {{"type", "nack"}});
    std::move(answers).into(out);
    auto lag = Family::histogram("steelyard_push_ack_duration_seconds",
                                 "From handing a frame to a proxy's connection to its acknowledgement.");
    lag.add(stats.ack_times);
    std::move(lag).into(out);
    single(out, Family::counter("steelyard_push_sent_bytes_total", "Bytes of frames sent."),
           static_cast<double>(stats.bytes));
    single(out, Family::counter("steelyard_push_sessions_total", "Sessions begun."),
           static_cast<double>(stats.sessions));
    single(out, Family::counter("steelyard_push_publishes_total", "Versions made."),
           static_cast<double>(stats.publishes));
    single(out,
           Family::counter("steelyard_push_refused_resources_total", "Resources left out because they break a limit."),
           static_cast<double>(stats.refused_resources));
    auto refused = Family::counter("steelyard_push_refused_total", "Connections and messages refused, by reason.");
    for (const auto& [reason, count] : with_zeros(stats.refused, kRefusals)) {
        refused.add(static_cast<double>(count), {{"reason", reason}});
    }
    std::move(refused).into(out);
    auto wants = Family::counter("steelyard_push_refused_wants_total",
                                 "Upstreams that proxies want and are not entitled to, each time it is newly so.");
    wants.add(static_cast<double>(stats.refused_wants), {{"reason", "forbidden"}});
    std::move(wants).into(out);
    single(out,
           Family::gauge("steelyard_push_unauthenticated_connections", "Open connections that are not let in yet."),
           static_cast<double>(stats.unauthenticated));
    auto resources = Family::gauge("steelyard_push_resources", "What is held to be pushed.");
    resources.add(static_cast<double>(stats.cache.listeners), {{"kind", "listener"}});
    resources.add(static_cast<double>(stats.cache.virtual_ips), {{"kind", "virtual_ip"}});
    resources.add(static_cast<double>(stats.cache.upstreams), {{"kind", "upstream"}});
    resources.add(static_cast<double>(stats.cache.slices), {{"kind", "endpoints"}});
    std::move(resources).into(out);
    single(out, Family::gauge("steelyard_push_tombstones", "Removals remembered for proxies that come back."),
           static_cast<double>(stats.cache.tombstones));
}

void add_results(Families& out, Family family, const status::WriterStats& stats) {
    family.add(static_cast<double>(stats.written), {{"result", "written"}});
    family.add(static_cast<double>(stats.failed), {{"result", "failed"}});
    family.add(static_cast<double>(stats.refused), {{"result", "refused"}});
    family.add(static_cast<double>(stats.dropped), {{"result", "dropped"}});
    std::move(family).into(out);
}

// Only the leader knows of addresses: the others show no pools.
void add_balancers(Families& out, const loadbalancer::Manager& manager) {
    const loadbalancer::ReconcilerStats stats = manager.stats();
    auto services =
        Family::gauge("steelyard_load_balancer_services", "Services of type LoadBalancer and of our class.");
    services.add(static_cast<double>(stats.assigned), {{"state", "assigned"}});
    services.add(static_cast<double>(stats.failed), {{"state", "failed"}});
    std::move(services).into(out);
    auto failures = Family::counter("steelyard_load_balancer_allocation_failures_total",
                                    "Times a Service could not have the addresses that it asks for, by reason.");
    for (uint8_t fault = 1; fault <= static_cast<uint8_t>(ipam::Fault::no_router_id); ++fault) {
        const char* reason = ipam::to_string(static_cast<ipam::Fault>(fault));
        const auto found = stats.failures.find(reason);
        failures.add(found == stats.failures.end() ? 0 : static_cast<double>(found->second), {{"reason", reason}});
    }
    std::move(failures).into(out);
    add_results(out,
                Family::counter("steelyard_load_balancer_writes_total",
                                "Services brought to the addresses they are to have, by what became of it."),
                manager.writes());
    auto total = Family::gauge("steelyard_address_pool_addresses", "Addresses of an AddressPool.");
    auto assigned = Family::gauge("steelyard_address_pool_assigned", "Of these, those that Services have.");
    auto available = Family::gauge("steelyard_address_pool_available", "Of these, those that can still be had.");
    for (const ipam::PoolStatus& pool : stats.pools) {
        total.add(static_cast<double>(pool.total), {{"pool", pool.name}});
        assigned.add(static_cast<double>(pool.assigned), {{"pool", pool.name}});
        available.add(static_cast<double>(pool.available), {{"pool", pool.name}});
    }
    for (auto* family : {&total, &assigned, &available}) std::move(*family).into(out);
}

constexpr std::array kClaimOutcomes{"held", "refused", "given", "problem"};
constexpr std::array kLeaseWrites{"ok", "conflict", "error"};

void add_leases(Families& out, const viplease::KeeperStats& stats) {
    auto claims = Family::counter("steelyard_controller_vip_lease_claims_total",
                                  "Leases of virtual IPs that edges claimed, by what they were told.");
    for (const auto& [outcome, count] : with_zeros(stats.claims, kClaimOutcomes))
        claims.add(static_cast<double>(count), {{"outcome", outcome}});
    std::move(claims).into(out);
    auto writes = Family::counter("steelyard_controller_vip_lease_writes_total",
                                  "Writes of Leases of virtual IPs, by what became of them.");
    for (const auto& [outcome, count] : with_zeros(stats.writes, kLeaseWrites))
        writes.add(static_cast<double>(count), {{"outcome", outcome}});
    std::move(writes).into(out);
    single(out, Family::gauge("steelyard_controller_vip_lease_held", "Leases of virtual IPs that some node holds."),
           static_cast<double>(stats.held));
}

void add_cluster(Families& out, const ClusterStats& stats) {
    single(out, Family::gauge("steelyard_controller_leader", "1 while this controller is the one that writes."),
           stats.election.leading);
    single(out, Family::counter("steelyard_controller_leader_transitions_total", "Times it began or ceased to lead."),
           static_cast<double>(stats.election.transitions));
    auto events = Family::counter("steelyard_controller_events_total", "Kubernetes Events, by what became of them.");
    for (const auto& [result, count] : stats.events.by_result())
        events.add(static_cast<double>(count), {{"result", std::string(result)}});
    std::move(events).into(out);
    add_results(out,
                Family::counter("steelyard_controller_policy_statuses_total",
                                "Writes of the status of a policy, pool or advertisement, by what became of them."),
                stats.statuses);
    single(out, Family::gauge("steelyard_controller_policy_statuses_waiting", "Statuses that are still to be written."),
           static_cast<double>(stats.statuses.waiting));
    add_leases(out, stats.leases);
}

void add_certificates(Families& out, const certs::ManagerStats& stats) {
    auto expiry = Family::gauge("steelyard_controller_certificate_expiry_timestamp_seconds",
                                "When the certificate in force ends, since 1970.");
    if (stats.ca_expires != 0) expiry.add(static_cast<double>(stats.ca_expires), {{"certificate", "ca"}});
    if (stats.server_expires != 0) expiry.add(static_cast<double>(stats.server_expires), {{"certificate", "server"}});
    std::move(expiry).into(out);
    single(
        out,
        Family::counter("steelyard_controller_certificate_rotations_total", "Writes of the Secret by this controller."),
        static_cast<double>(stats.rotations));
    single(out,
           Family::counter("steelyard_controller_certificate_failures_total",
                           "Rounds of keeping certificates that failed."),
           static_cast<double>(stats.failures));
}

}  // namespace

std::vector<prometheus::MetricFamily> ControllerCollector::Collect() const {
    Families out;
    add_pipeline(out, sources_.pipeline.stats());
    add_push(out, sources_.server.stats());
    if (sources_.kube != nullptr) add_kube(out, *sources_.kube);
    if (sources_.cluster != nullptr) add_cluster(out, sources_.cluster->stats());
    if (sources_.balancers != nullptr) add_balancers(out, *sources_.balancers);
    if (const auto certificates = sources_.security->certificates()) add_certificates(out, *certificates);
    if (sources_.webhook != nullptr) inject::add_inject_metrics(sources_.webhook->stats(), out);
    if (sources_.manifests != nullptr) {
        const auto status = sources_.manifests->status();
        single(out, Family::gauge("steelyard_manifest_files", "Files in force."), static_cast<double>(status.files));
        single(out, Family::gauge("steelyard_manifest_objects", "Objects in force."),
               static_cast<double>(status.objects));
        single(out, Family::gauge("steelyard_manifest_problems", "What is wrong in the files."),
               static_cast<double>(status.problems));
    }
    metrics::add_process_metrics("steelyard-controller", out);
    limit_.apply(out);
    return out;
}

}  // namespace steelyard
