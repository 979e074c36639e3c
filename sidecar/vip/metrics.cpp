#include "sidecar/vip/metrics.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <optional>

#include "common/metrics/builder.hpp"
#include "sidecar/vip/flows/handover.hpp"

namespace steelyard::vip {
namespace {

using metrics::Labels;
using Families = std::vector<prometheus::MetricFamily>;
using Made = metrics::Family;

Labels labels_of(const Router& router) {
    return {{"router_id", std::to_string(router.id)}, {"family", to_string(router.family)}};
}

Labels with(Labels labels, const char* name, std::string value) {
    labels.emplace_back(name, std::move(value));
    return labels;
}

double age_of(const RouterRunner& runner) {
    return std::chrono::duration<double>(Clock::now() - runner.since()).count();
}

// How long the addresses are still this node's by the Lease; nullopt: VRRP decides.
std::optional<double> lease_left(const RouterRunner& runner) {
    const LeaseMachine* lease = runner.machine().lease();
    if (lease == nullptr) return std::nullopt;
    return std::max(0.0, std::chrono::duration<double>(lease->lease() - Clock::now()).count());
}

void add_states(const Fleet::Runners& runners, Families& out) {
    auto state = Made::gauge("steelyard_vip_state", "1 for the state that the virtual router is in, 0 for the others.");
    auto master = Made::gauge("steelyard_vip_master", "1 while the node holds the virtual router's addresses.");
    auto age =
        Made::gauge("steelyard_vip_last_transition_age_seconds", "Since the virtual router came into its state.");
    auto priority = Made::gauge("steelyard_vip_priority", "The virtual router's priority on this node.");
    auto lease =
        Made::gauge("steelyard_vip_lease_seconds",
                    "How long the addresses are still the node's by the Lease; 0: they are not. Not with VRRP.");
    for (const auto& [key, runner] : runners) {
        const Labels labels = labels_of(runner->router());
        const RouterState now = runner->status().state;
        for (const auto one : {RouterState::init, RouterState::backup, RouterState::master, RouterState::fault}) {
            state.add(now == one ? 1 : 0, with(labels, "state", to_string(one)));
        }
        master.add(now == RouterState::master ? 1 : 0, labels);
        age.add(age_of(*runner), labels);
        priority.add(runner->router().priority, labels);
        if (const auto left = lease_left(*runner)) lease.add(*left, labels);
    }
    std::move(state).into(out);
    std::move(master).into(out);
    std::move(age).into(out);
    std::move(priority).into(out);
    const auto by_lease = [](const auto& entry) { return entry.second->router().by_lease(); };
    if (std::any_of(runners.begin(), runners.end(), by_lease)) std::move(lease).into(out);
}

// One family with a figure of each router.
template <class F>
void add_counter(const Fleet::Runners& runners, const char* name, const char* help, F figure, Families& out) {
    auto family = Made::counter(name, help);
    for (const auto& [key, runner] : runners) {
        family.add(static_cast<double>(figure(*runner)), labels_of(runner->router()));
    }
    std::move(family).into(out);
}

void add_refused(const Fleet::Runners& runners, Families& out) {
    auto family = Made::counter("steelyard_vip_packets_dropped_total", "VRRP packets that were not heeded.");
    for (const auto& [key, runner] : runners) {
        const auto& refused = runner->stats().refused;
        for (size_t i = 1; i < refused.size(); ++i) {
            const auto fault = static_cast<Fault>(i);
            if (refused[i] == 0 && fault != Fault::checksum && fault != Fault::stranger) continue;
            family.add(static_cast<double>(refused[i]), with(labels_of(runner->router()), "reason", to_string(fault)));
        }
    }
    std::move(family).into(out);
}

void add_program(const ProgramStats& stats, Families& out) {
    auto loads = Made::counter("steelyard_vip_config_loads_total", "Times the configuration was read, by how it went.");
    loads.add(static_cast<double>(stats.config_loads), {{"outcome", "applied"}});
    loads.add(static_cast<double>(stats.config_failures), {{"outcome", "refused"}});
    std::move(loads).into(out);
    auto writes =
        Made::counter("steelyard_vip_state_writes_total", "Times the state file was written, by how it went.");
    writes.add(static_cast<double>(stats.state_writes), {{"outcome", "written"}});
    writes.add(static_cast<double>(stats.state_failures), {{"outcome", "failed"}});
    std::move(writes).into(out);
    if (!stats.asks) return;
    auto ready = Made::gauge("steelyard_vip_proxy_ready", "Whether the proxy said that it is ready when asked last.");
    ready.add(stats.ready ? 1 : 0);
    std::move(ready).into(out);
    auto polls = Made::counter("steelyard_vip_ready_polls_total", "Times the proxy was asked, by its answer.");
    polls.add(static_cast<double>(stats.ready_polls - stats.ready_failures), {{"outcome", "ready"}});
    polls.add(static_cast<double>(stats.ready_failures), {{"outcome", "not_ready"}});
    std::move(polls).into(out);
}

void add_handover(const ProgramStats& stats, Families& out) {
    auto available =
        Made::gauge("steelyard_vip_handover_available", "Whether connections are kept when addresses move in order.");
    available.add(stats.flows_ipv4 ? 1 : 0, {{"family", "ipv4"}});
    available.add(stats.flows_ipv6 ? 1 : 0, {{"family", "ipv6"}});
    std::move(available).into(out);
    if (stats.flows == nullptr) return;
    const auto add = [&](Made family, size_t value) {
        family.add(static_cast<double>(value));
        std::move(family).into(out);
    };
    const auto& flows = *stats.flows;
    add(Made::gauge("steelyard_vip_handover_kept_addresses", "Addresses of another node with connections here."),
        flows.kept_addresses().size());
    add(Made::gauge("steelyard_vip_handover_kept_connections", "Connections to such addresses."),
        flows.kept_connections());
    add(Made::gauge("steelyard_vip_handover_forwarding_addresses",
                    "Addresses whose former holder gets what is not known here."),
        flows.forwarded_addresses(Clock::now()));
    add(Made::counter("steelyard_vip_handover_kept_total", "Addresses that were given away with connections kept."),
        flows.stats().kept);
    add(Made::counter("steelyard_vip_handover_forwarded_total", "Addresses that came from a holder in order."),
        flows.stats().forwarded);
    add(Made::counter("steelyard_vip_handover_resets_total", "Connections that were reset at the limit."),
        flows.stats().resets);
    add(Made::counter("steelyard_vip_handover_failures_total", "Requests that the kernel refused."),
        flows.stats().failures);
}

}  // namespace

Families VipCollector::Collect() const {
    Families out;
    const auto& runners = fleet_.runners();
    using R = RouterRunner;
    add_states(runners, out);
    add_counter(
        runners, "steelyard_vip_transitions_total", "Changes of a virtual router's state.",
        [](const R& r) { return r.machine().stats().transitions; }, out);
    add_counter(
        runners, "steelyard_vip_adverts_sent_total", "VRRP advertisements sent.",
        [](const R& r) { return r.stats().adverts_sent; }, out);
    add_counter(
        runners, "steelyard_vip_advert_send_failures_total", "VRRP advertisements that the kernel did not take.",
        [](const R& r) { return r.stats().send_failures; }, out);
    add_counter(
        runners, "steelyard_vip_adverts_received_total", "VRRP advertisements of others that were heeded.",
        [](const R& r) { return r.stats().adverts_received; }, out);
    add_counter(
        runners, "steelyard_vip_conflicts_total", "Times a foreign host claimed a held address.",
        [](const R& r) { return r.stats().conflicts; }, out);
    add_counter(
        runners, "steelyard_vip_splits_total", "Advertisements of a lesser master heard while being master.",
        [](const R& r) { return r.machine().stats().splits; }, out);
    add_counter(
        runners, "steelyard_vip_announcements_total",
        "Addresses announced by gratuitous ARP or neighbour advertisement.",
        [](const R& r) { return r.stats().announcements; }, out);
    add_refused(runners, out);
    add_program(stats_, out);
    add_handover(stats_, out);
    metrics::add_process_metrics("steelyard-vip", out);
    return out;
}

std::string routers_page(const Fleet& fleet, const ProgramStats& stats) {
    nlohmann::json routers = nlohmann::json::array();
    for (const auto& [key, runner] : fleet.runners()) {
        const RouterStatus status = runner->status();
        nlohmann::json addresses = nlohmann::json::array();
        for (const auto& address : status.addresses) addresses.push_back(address.to_string());
        const Ip* heard = runner->machine().master_address();
        routers.push_back({{"id", status.id},
                           {"family", to_string(status.family)},
                           {"interface", status.interface},
                           {"state", to_string(status.state)},
                           {"priority", status.priority},
                           {"addresses", std::move(addresses)},
                           {"master", heard ? heard->to_string() : ""},
                           {"since_seconds", age_of(*runner)},
                           {"transitions", runner->machine().stats().transitions},
                           {"adverts_sent", runner->stats().adverts_sent},
                           {"adverts_received", runner->stats().adverts_received},
                           {"conflicts", status.conflicts},
                           {"splits", status.splits},
                           {"problem", status.problem}});
        if (const auto left = lease_left(*runner)) routers.back()["lease_seconds"] = *left;
    }
    return nlohmann::json{{"ready", !stats.asks || stats.ready}, {"routers", std::move(routers)}}.dump(2) + "\n";
}

}  // namespace steelyard::vip
