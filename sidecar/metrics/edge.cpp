#include "sidecar/metrics/edge.hpp"

#include <string>
#include <utility>

#include "common/metrics/builder.hpp"

namespace steelyard {
namespace {

using metrics::Family;
using metrics::Labels;
using push::VirtualIpState;

void add_routers(std::vector<prometheus::MetricFamily>& out, const edge::Agent& agent) {
    auto state =
        Family::gauge("steelyard_virtual_ip_state", "1 for the state that a virtual router of this node is in.");
    auto conflicts = Family::counter("steelyard_virtual_ip_conflicts_total",
                                     "Times that a foreign host answered for one of a virtual router's addresses.");
    auto splits = Family::counter("steelyard_virtual_ip_splits_total",
                                  "Times that another master was heard while this node was the virtual router's.");
    for (const auto& report : agent.reports()) {
        const Labels router{{"router_id", std::to_string(report.router_id)}, {"family", report.ipv6 ? "ipv6" : "ipv4"}};
        for (const auto one :
             {VirtualIpState::init, VirtualIpState::backup, VirtualIpState::master, VirtualIpState::fault}) {
            Labels labels = router;
            labels.emplace_back("state", std::string(push::to_string(one)));
            state.add(report.state == one ? 1 : 0, labels);
        }
        conflicts.add(static_cast<double>(report.conflicts), router);
        splits.add(static_cast<double>(report.splits), router);
    }
    for (auto* family : {&state, &conflicts, &splits}) std::move(*family).into(out);
}

void add_leases(std::vector<prometheus::MetricFamily>& out, const edge::LeaseClaims& claims) {
    const TimePoint now = Clock::now();
    auto left = Family::gauge("steelyard_virtual_ip_lease_seconds",
                              "How long a virtual router's lease is still this node's; 0: it is not.");
    for (const auto& [id, lease] : claims.leases()) {
        left.add(lease.held(now) ? std::chrono::duration<double>(lease.until - now).count() : 0.0,
                 {{"router_id", std::to_string(id)}});
    }
    std::move(left).into(out);
    auto outcomes = Family::counter("steelyard_virtual_ip_claims_total",
                                    "Leases of virtual routers that were claimed, by what the controller said.");
    const auto& stats = claims.stats();
    const auto add = [&](const char* outcome, uint64_t value) {
        outcomes.add(static_cast<double>(value), {{"outcome", outcome}});
    };
    add("held", stats.held);
    add("not_held", stats.not_held);
    add("problem", stats.problems);
    add("overdue", stats.overdue);
    std::move(outcomes).into(out);
}

}  // namespace

void add_edge(std::vector<prometheus::MetricFamily>& out, const Runtime& runtime, const edge::Agent& agent) {
    const auto single = [&](Family family, double value) {
        family.add(value, {});
        std::move(family).into(out);
    };
    uint64_t lost = 0;
    for (const auto& worker : runtime.workers()) lost += worker->counters().address_lost.get();
    single(Family::counter(
               "steelyard_transparent_fallbacks_total",
               "Connections and UDP sessions whose endpoint should have seen the client's address, and did not."),
           static_cast<double>(lost));
    single(Family::gauge("steelyard_listeners_failed", "Pushed listeners that cannot be opened at present."),
           static_cast<double>(runtime.failed_listeners().size()));
    if (!agent.options().config_file.empty()) {
        single(Family::gauge("steelyard_virtual_ip_routers", "Virtual routers that this node is told to run."),
               static_cast<double>(agent.plan().routers.size()));
        single(Family::counter("steelyard_virtual_ip_file_failures_total",
                               "Times that what this node should do could not be written for steelyard-vip."),
               static_cast<double>(agent.stats().config_failures));
    }
    if (!agent.claims().leases().empty()) add_leases(out, agent.claims());
    if (agent.options().state_file.empty()) return;
    single(Family::gauge("steelyard_virtual_ip_silent", "1 while steelyard-vip does not say what it does."),
           agent.stats().silent ? 1 : 0);
    single(Family::counter("steelyard_virtual_ip_state_failures_total",
                           "Times that what steelyard-vip says it does could not be read."),
           static_cast<double>(agent.stats().state_failures));
    add_routers(out, agent);
}

}  // namespace steelyard
