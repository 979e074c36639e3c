#include "controller/loadbalancer/manager.hpp"

#include <algorithm>
#include <utility>

#include "common/log.hpp"
#include "controller/loadbalancer/advertisements.hpp"

namespace steelyard::loadbalancer {
namespace {

constexpr size_t kMaxSeen = 65'536;  // router ids of edges
// What was surveyed shows up in a watch within milliseconds, if it is still there.
constexpr Milliseconds kSurveyAgain{5'000};
constexpr status::WriterOptions kWriting{.retry_base = Milliseconds(1'000)};

}  // namespace

Manager::Manager(Parts parts)
    : parts_(std::move(parts)), reconciler_(parts_.default_class), writer_(parts_.client, parts_.is_leader, kWriting) {}

void Manager::leadership_changed(bool leads) {
    reconciler_.follow();
    if (!leads) return;
    writer_.survey([this, term = ++term_](std::vector<kube::Service> services) {
        parts_.post([this, term, found = std::move(services)]() mutable { surveyed(term, std::move(found)); });
    });
}

void Manager::surveyed(uint64_t term, std::vector<kube::Service> services) {
    if (term != term_ || !parts_.is_leader()) return;
    reconciler_.lead(std::move(services));
    parts_.look();
}

// Who is deleted by force between the survey and what the watch shows is not told of by any change.
void Manager::survey_again() {
    if (std::exchange(waits_, true)) return;
    parts_.later(kSurveyAgain, [this] {
        waits_ = false;
        if (!reconciler_.unsure()) return;
        writer_.survey([this, term = term_](std::vector<kube::Service> services) {
            parts_.post([this, term, found = std::move(services)] {
                if (term != term_) return;
                reconciler_.surveyed_again(found);
                parts_.look();
            });
        });
    });
}

void Manager::update(const store::ClusterState& state, const std::vector<store::Key>& changes) {
    Decisions decisions = reconciler_.update(state, changes);
    for (const auto& [key, wanted] : decisions.write) writer_.offer(key, wanted);
    for (const auto& key : decisions.settled) writer_.withdraw(key);
    for (const auto& verdict : decisions.pools)
        parts_.statuses.offer(*verdict.pool, verdict.conditions, verdict.counts);
    for (const auto& verdict : decisions.advertisements)
        parts_.statuses.offer(*verdict.advertisement, verdict.conditions);
    for (events::EventSpec& event : decisions.events) {
        const auto line =
            fmt::format("Service {}/{}: {}: {}", event.regarding.ns, event.regarding.name, event.reason, event.note);
        event.type == events::Severity::warning ? log::warn("{}", line) : log::info("{}", line);
        parts_.events.record(std::move(event));
    }
    if (reconciler_.unsure()) survey_again();
}

void Manager::on_report(const store::ClusterState& state, const std::string& proxy, const push::Report& report) {
    if (seen_.size() > kMaxSeen) seen_.clear();
    for (const push::VirtualIpReport& one : report.virtual_ips) {
        Counts& before = seen_[{proxy, one.router_id, one.ipv6}];
        const Counts now{one.conflicts, one.splits};
        if (now.conflicts > before.conflicts)
            dispute(state, proxy, one, "AddressConflict", "another host of the network answers for the address");
        if (now.splits > before.splits)
            dispute(state, proxy, one, "SplitBrain", "another node held the address at the same time");
        before = now;  // less than before: steelyard-vip was started anew
    }
}

void Manager::dispute(const store::ClusterState& state, const std::string& proxy, const push::VirtualIpReport& report,
                      const char* reason, const std::string& what) {
    for (const kube::ObjectKey& key : state.balanced()) {
        const kube::Service* service = state.service(key);
        if (service == nullptr || router_id_of(*service) != report.router_id) continue;
        std::string disputed;
        for (const std::string& address : addresses_of(*service)) {
            if (std::find(report.addresses.begin(), report.addresses.end(), address) == report.addresses.end())
                continue;
            disputed += (disputed.empty() ? "" : ", ") + address;
        }
        if (disputed.empty()) continue;
        events::EventSpec event;
        event.regarding = {"v1", "Service", key.ns, key.name, service->uid};
        event.type = events::Severity::warning;
        event.reason = reason;
        event.note = fmt::format("{}, on interface {} of {}: {}", disputed, report.interface, proxy, what);
        event.action = "Announce";
        log::warn("Service {}: {}: {}", key.to_string(), event.reason, event.note);
        parts_.events.record(std::move(event));
    }
}

}  // namespace steelyard::loadbalancer
