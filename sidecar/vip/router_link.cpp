// The part of a virtual router that finds its interface and follows what becomes of it.
#include <algorithm>

#include "common/log.hpp"
#include "sidecar/vip/router_runner.hpp"

namespace steelyard::vip {
namespace {

constexpr std::chrono::seconds kReclaimGap{1};

}  // namespace

const Link* RouterRunner::choose_link() const {
    const LinkTable& links = context_.netlink.table();
    const Ip& ip = router_.addresses.front().ip;
    const auto named = [this](const Link& link) {
        return std::any_of(router_.interfaces.begin(), router_.interfaces.end(),
                           [&](const std::string& glob) { return matches_interface(glob, link.name); });
    };
    // It stays where it is while it may: of several that match, one coming up moves nothing.
    if (const Link* current = place_.index == 0 ? nullptr : links.find(place_.index)) {
        if (router_.interfaces.empty() || named(*current)) return current;
    }
    if (!router_.interfaces.empty()) return links.choose(ip, named);
    if (const Link* found = links.by_subnet(ip)) return found;
    const auto index = context_.netlink.default_route(router_.family);
    return index ? links.find(*index) : nullptr;
}

// Finds the interface and the address to send from. False: there is none to run on, problem_ says why.
bool RouterRunner::resolve() {
    const Link* link = choose_link();
    if (link == nullptr || link->index != place_.index) drop_link();
    problem_.clear();
    if (link == nullptr) {
        problem_ = router_.interfaces.empty()
                       ? "no interface's subnet holds " + router_.addresses.front().ip.to_string() +
                             ", and there is no default route"
                       : "no interface matches " + router_.interfaces.front() +
                             (router_.interfaces.size() > 1 ? " or the others named" : "");
        return false;
    }
    interface_ = link->name;
    if (!link->up) {
        problem_ = interface_ + " is down or has no carrier";
    } else if (!take_link(*link)) {
        return false;
    }
    return problem_.empty();
}

// The address to send adverts from; by a Lease there are none.
bool RouterRunner::find_source(const Link& link, Ip& source) {
    if (router_.by_lease()) return true;
    const bool global = !router_.peers.empty() && !router_.peers.front().is_link_local();
    const auto found = source_address(link, router_.family, global, context_.is_virtual);
    if (found) {
        source = *found;
        return true;
    }
    problem_ = link.name + " has no " + (router_.family == Family::ipv6 && !global ? "link-local " : "") +
               (router_.family == Family::ipv6 ? "IPv6" : "IPv4") + " address to send from";
    return false;
}

bool RouterRunner::take_link(const Link& link) {
    Ip source;
    if (!find_source(link, source)) return false;
    if (place_.index == 0) {
        place_.index = link.index;
        if (auto joined = context_.ports.join(link, place_, *this, !router_.by_lease()); !joined) {
            place_.index = 0;
            problem_ = joined.error().to_string();
            return false;
        }
    }
    if (source != source_) {
        source_ = source;
        apply(machine_.reconfigure(machine_options(), Clock::now()));
    }
    return true;
}

void RouterRunner::drop_link() {
    if (place_.index == 0) return;
    apply(machine_.set_link(false, Clock::now()));
    let_go(false);
    context_.ports.leave(place_);
    place_.index = 0;
    source_ = {};
    interface_.clear();
}

void RouterRunner::on_links() {
    if (stopped_) return;
    const std::string before = problem_;
    const bool usable = resolve();
    if (problem_ != before) {
        if (!problem_.empty()) log::warn("{}: {}; it waits", label(), problem_);
        context_.changed();
    }
    if (usable != machine_.link()) apply(machine_.set_link(usable, Clock::now()));
    if (holding_) reclaim();
}

// What somebody else has removed from the interface while we hold it is added again, at most once a second.
void RouterRunner::reclaim() {
    const Link* link = context_.netlink.table().find(place_.index);
    if (link == nullptr || lingering_ || !machine_.options().accepts()) return;
    const TimePoint now = Clock::now();
    bool missing = false;
    for (const auto& address : router_.addresses) {
        if (link->find(address.ip) != nullptr || now < reclaimed_ + kReclaimGap) continue;
        log::warn("{}: {} was removed by somebody else while it is held; adding it again", label(),
                  address.to_string());
        add(address);
        missing = true;
    }
    if (!missing) return;
    reclaimed_ = now;
    announcements_.begin(now);
    announce_due();
    arm();
}

}  // namespace steelyard::vip
