// The part of the agent that claims Leases for the virtual routers that go by one.
#include <algorithm>
#include <initializer_list>

#include "common/log.hpp"
#include "sidecar/edge/agent.hpp"

namespace steelyard::edge {

void Agent::on_session(bool in_sync, TimePoint now) {
    if (in_sync) {
        claims_.connected(now);
    } else {
        claims_.disconnected(now);
    }
    follow_leases(now);
}

void Agent::on_grant(const push::Grant& grant, TimePoint now) {
    std::map<uint8_t, bool> before;
    for (const auto& [id, lease] : claims_.leases()) before[id] = lease.held(now);
    claims_.on_grant(grant, now);
    for (const auto& [id, lease] : claims_.leases()) {
        if (lease.held(now) && !before[id]) log::info("virtual router {}: the lease is this node's", id);
        if (!lease.held(now) && before[id]) log::info("virtual router {}: the lease is {}'s", id, lease.holder);
    }
    follow_leases(now);
}

TimePoint Agent::next_tick(TimePoint now) const {
    if (leases_.empty() && claims_.leases().empty()) return now + kInterval;
    return std::min(now + kLeaseInterval, std::max(now, claims_.deadline()));
}

void Agent::follow_leases(TimePoint now) {
    if (options_.config_file.empty() || state_.version().empty()) return;
    learn_fit(now);
    std::vector<LeaseWant> wants;
    for (const auto& want : leases_) {
        if (is_fit(want.router_id, now)) wants.push_back(want);
    }
    claims_.want(wants, now);
    if (claims_.overdue(now)) {
        claims_.disconnected(now);
        if (link_.reconnect) link_.reconnect("a claim of a lease was not answered in time");
    }
    if (const auto claim = claims_.next(now); claim && !(link_.send && link_.send(*claim))) claims_.disconnected(now);
    write_plan();
}

void Agent::learn_fit(TimePoint now) {
    std::erase_if(fit_, [&](const auto& entry) {
        return std::none_of(reports_.begin(), reports_.end(),
                            [&](const auto& report) { return report.router_id == entry.first; });
    });
    for (const auto& report : reports_) {
        using State = push::VirtualIpState;
        if (report.state == State::backup || report.state == State::master) fit_[report.router_id] = now;
    }
}

// Whether steelyard-vip can hold a router's addresses. One that does not know the router (not yet, or it is ending), or has no link in
// either family, can not; that it finds the proxy not ready may pass.
bool Agent::is_fit(uint8_t router_id, TimePoint now) const {
    if (options_.state_file.empty()) return true;
    const auto is_one_of = [&](std::initializer_list<push::VirtualIpState> states) {
        return std::any_of(reports_.begin(), reports_.end(), [&](const auto& report) {
            return report.router_id == router_id &&
                   std::find(states.begin(), states.end(), report.state) != states.end();
        });
    };
    using State = push::VirtualIpState;
    if (is_one_of({State::backup, State::master})) return true;
    const auto last = fit_.find(router_id);
    return is_one_of({State::init}) && last != fit_.end() && now - last->second < kUnready;
}

}  // namespace steelyard::edge
