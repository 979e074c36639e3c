#include "sidecar/vip/router_runner.hpp"

#include <algorithm>
#include <system_error>
#include <utility>

#include "common/log.hpp"
#include "common/net/asio.hpp"
#include "sidecar/vip/flows/handover.hpp"
#include "sidecar/vip/net/frames.hpp"

namespace steelyard::vip {
namespace {

constexpr std::chrono::seconds kLogGap{1};
constexpr std::chrono::seconds kConflictShown{60};
constexpr Milliseconds kLeastClaimWait{300};

uint64_t to_ms(TimePoint time) {
    return static_cast<uint64_t>(std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count());
}

std::string to_string(const Mac& mac) {
    return fmt::format("{:02x}:{:02x}:{:02x}:{:02x}:{:02x}:{:02x}", mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
}

MachineOptions options_of(const Router& router, const Ip& source) {
    return {router.id,     router.priority, router.advertisement_interval, router.preempt, router.preempt_delay,
            router.accept, source};
}

// One to each destination of the router.
void emit(const RunnerContext& context, const Router& router, const Ports::Place& place, const Ip& source,
          uint8_t priority, RunnerStats& stats) {
    Advert advert{router.id, priority, router.advertisement_interval, {}};
    for (const auto& address : router.addresses) advert.addresses.push_back(address.ip);
    std::array<uint8_t, kMaxSentBytes> buffer;
    const auto send_to = [&](const Ip& destination) {
        const size_t size = encode(advert, source, destination, context.ipv4_checksum, buffer);
        const int error =
            size == 0 ? EINVAL : context.ports.send(place, source, destination, std::span(buffer).first(size));
        ++(error == 0 ? stats.adverts_sent : stats.send_failures);
        if (error != 0) {
            log::debug("router {} {}: an advert to {} was not sent: {}", router.id, to_string(router.family),
                       destination.to_string(), std::generic_category().message(error));
        }
    };
    if (router.peers.empty()) {
        send_to(*Ip::parse(router.family == Family::ipv4 ? kGroupIpv4 : kGroupIpv6));
    } else {
        for (const Ip& peer : router.peers) {
            if (peer != source) send_to(peer);  // one list for all nodes has this one as well
        }
    }
}

std::vector<Ip> addresses_of(const Router& router) {
    std::vector<Ip> all;
    for (const auto& address : router.addresses) all.push_back(address.ip);
    return all;
}

}  // namespace

struct RouterRunner::Timers {
    explicit Timers(asio::io_context& io) : machine(io), linger(io) {}
    asio::steady_timer machine;  // whatever is due next: the machine, an announcement, a claim
    asio::steady_timer linger;
};

RouterRunner::RouterRunner(RunnerContext& context, Router router)
    : context_(context),
      router_(std::move(router)),
      machine_(router_.by_lease(), options_of(router_, {})),
      timers_(std::make_shared<Timers>(context.io)),
      place_{0, router_.family, router_.id},
      since_(Clock::now()) {}

RouterRunner::~RouterRunner() {
    if (place_.index != 0) context_.ports.leave(place_);
}

std::string RouterRunner::label() const {
    return fmt::format("router {} {}{}{}", router_.id, to_string(router_.family), interface_.empty() ? "" : " on ",
                       interface_);
}

MachineOptions RouterRunner::machine_options() const { return options_of(router_, source_); }

void RouterRunner::start(bool ready, bool resume) {
    const TimePoint now = Clock::now();
    const bool usable = resolve();
    if (!problem_.empty()) log::warn("{}: {}; it waits", label(), problem_);
    apply(machine_.set_ready(ready, now));
    apply(machine_.set_link(usable, now));
    follow_lease();
    if (resume) added_.insert(router_.addresses.begin(), router_.addresses.end());
    apply(resume ? machine_.resume_as_master(now) : machine_.start(now));
    if (resume && machine_.state() != State::master) {
        // Not ready, or the interface has gone: what was left is given up.
        for (const auto& address : router_.addresses) remove(address);
    }
    context_.changed();
}

void RouterRunner::set_ready(bool ready) { apply(machine_.set_ready(ready, Clock::now())); }

void RouterRunner::release(const Router& next) {
    for (const auto& address : router_.addresses) {
        if (std::find(next.addresses.begin(), next.addresses.end(), address) == next.addresses.end()) remove(address);
    }
}

void RouterRunner::update(Router next) {
    if (next == router_) return;
    const bool renewed = same_but_leases(next, router_);
    std::swap(router_, next);  // from here on `next` is what was
    follow_lease();
    if (renewed) return;
    log::info("{}: changed: priority {}, {} addresses", label(), router_.priority, router_.addresses.size());
    apply(machine_.reconfigure(machine_options(), Clock::now()));
    const bool others = next.addresses != router_.addresses || next.accept != router_.accept;
    if (holding_ && !lingering_ && others) {
        if (!machine_.options().accepts()) {
            for (const auto& address : router_.addresses) remove(address);
        }
        hold();
    }
    on_links();
    context_.changed();
}

void RouterRunner::stop() {
    stopped_ = true;
    apply(machine_.stop(Clock::now()));
}

void RouterRunner::finish(bool keep) {
    if (!stopped_) stop();
    let_go(keep);
}

void RouterRunner::apply(const Actions& actions) {
    if (actions.send_advert) send_advert(actions.advert_priority);
    if (actions.transition_reason != nullptr) {
        since_ = Clock::now();
        log::info("{}: {}: {}", label(), to_string(machine_.state()), actions.transition_reason);
    }
    if (actions.add_addresses) hold();
    if (actions.remove_addresses) {
        const bool told = actions.send_advert && actions.advert_priority == 0 && machine_.link();
        const bool willing = told || actions.linger > Duration{0};
        if (willing) {
            lingering_ = true;
            timers_->linger.expires_after(told ? linger() : actions.linger);
            timers_->linger.async_wait([this, alive = std::weak_ptr(timers_)](const error_code& error) {
                if (!error && !alive.expired() && lingering_) let_go(true);
            });
        } else {
            let_go(machine_.link());
        }
    }
    if (actions.announce && holding_ && announcements_.may_begin_again(Clock::now())) {
        announcements_.begin(Clock::now());
        announce_due();
    }
    arm();
    if (actions.transition_reason != nullptr) context_.changed();
}

// A backup takes over within its skew, which is less than an interval.
Duration RouterRunner::linger() const {
    return std::min<Duration>(2 * router_.advertisement_interval + Milliseconds{100}, kLongestLinger);
}

void RouterRunner::send_advert(uint8_t priority) { emit(context_, router_, place_, source_, priority, stats_); }

// The addresses are ours: on the interface, or answered for when traffic to them is not taken.
void RouterRunner::hold() {
    timers_->linger.cancel();
    holding_ = true;
    lingering_ = false;
    if (machine_.options().accepts()) {
        for (const auto& address : router_.addresses) {
            add(address);
            if (context_.flows != nullptr) context_.flows->regain(address.ip);
        }
    }
    tell_held();
    announcements_.begin(Clock::now());
    announce_due();
    arm();
}

void RouterRunner::let_go(bool keep) {
    timers_->linger.cancel();
    lingering_ = false;
    announcements_.end();
    conflicts_.forget();
    if (keep && holding_) keep_flows();
    const auto ours = added_;
    for (const auto& address : ours) remove(address);
    if (!std::exchange(holding_, false)) return;
    tell_held();
    context_.changed();
}

// When nothing is kept any more, its successor is told once more that this node has nothing: it sends nothing here from then on.
void RouterRunner::keep_flows() {
    // By a Lease nobody learns from whom the addresses come.
    if (context_.flows == nullptr || added_.empty() || source_ == Ip{}) return;
    std::vector<Ip> ours;
    for (const auto& address : added_) ours.push_back(address.ip);
    auto ended = [&context = context_, router = router_, place = place_, source = source_] {
        RunnerStats uncounted;
        emit(context, router, place, source, 0, uncounted);
    };
    context_.flows->keep({router_.id, router_.family}, ours, source_, Clock::now(), std::move(ended));
}

// What the advert that the machine was given last says of who has connections of the addresses.
void RouterRunner::follow_flows(const Ip& from) {
    if (context_.flows == nullptr || !machine_.options().accepts()) return;
    switch (machine_.heard()) {
        case Heard::nothing:
            break;
        case Heard::master:
            context_.flows->other_master({router_.id, router_.family}, addresses_of(router_), from);
            break;
        case Heard::lesser:
        case Heard::stepping_down:
            context_.flows->forward(addresses_of(router_), from, place_.index, Clock::now());
            break;
        case Heard::gone:
            context_.flows->stop_forwarding(addresses_of(router_), from);
            break;
    }
}

void RouterRunner::tell_held() {
    std::set<Ip> held;
    if (holding_) {
        for (const auto& address : router_.addresses) held.insert(address.ip);
    }
    context_.ports.set_held(place_, std::move(held), !machine_.options().accepts());
}

void RouterRunner::add(const Prefix& address) {
    const auto added = context_.netlink.add_address(place_.index, address);
    if (!added) {
        log::error("{}: {}; the router stays {}", label(), added.error().to_string(), to_string(machine_.state()));
        return;
    }
    const Link* link = context_.netlink.table().find(place_.index);
    const LinkAddress* known = link == nullptr ? nullptr : link->find(address.ip);
    const bool marked = known != nullptr && known->protocol == kOurAddressProtocol;
    if (*added || marked) added_.insert(address);
    if (!*added && !added_.contains(address)) {
        log::info("{}: {} is on the interface already and stays there", label(), address.to_string());
    }
}

void RouterRunner::remove(const Prefix& address) {
    if (added_.erase(address) == 0) return;
    if (auto removed = context_.netlink.remove_address(place_.index, address); !removed) {
        log::error("{}: {}", label(), removed.error().to_string());
    }
}

void RouterRunner::announce_due() {
    if (!announcements_.take(Clock::now())) return;
    for (const auto& address : router_.addresses) {
        if (context_.ports.announce(place_, address.ip, !announcements_.in_burst())) ++stats_.announcements;
    }
}

void RouterRunner::refuse(Fault fault) { ++stats_.refused[static_cast<size_t>(fault)]; }

void RouterRunner::on_packet(const VrrpPacket& packet) {
    if (stopped_ && !lingering_) return;
    if (packet.source == source_) return refuse(Fault::own);
    const bool unicast = packet.destination != *Ip::parse(router_.family == Family::ipv4 ? kGroupIpv4 : kGroupIpv6);
    const bool known = std::find(router_.peers.begin(), router_.peers.end(), packet.source) != router_.peers.end();
    if (router_.peers.empty() ? unicast : !known) return refuse(Fault::stranger);
    const Decoded decoded = decode(packet.message, {packet.source, packet.destination, packet.hop_limit});
    if (decoded.fault != Fault::none) return refuse(decoded.fault);
    const TimePoint now = Clock::now();
    ++stats_.adverts_received;
    conflicts_.on_other_master(now);
    if (lingering_ && decoded.advert.priority != 0) let_go(true);
    apply(machine_.on_advert(decoded.advert, packet.source, now));
    follow_flows(packet.source);
    if (machine_.stats().splits != splits_logged_ && now >= split_log_ + kLogGap) {
        log::warn("{}: {} of priority {} says that it is master, too (priority {} here): announced anew", label(),
                  packet.source.to_string(), decoded.advert.priority, router_.priority);
        splits_logged_ = machine_.stats().splits;
        split_log_ = now;
        context_.changed();
    }
}

void RouterRunner::on_claim(const Ip& ip, const Mac& mac) {
    if (!is_foreign_claim() || machine_.state() != State::master) return;
    const Duration wait = std::max<Duration>(3 * router_.advertisement_interval, kLeastClaimWait);
    conflicts_.on_claim(ip, mac, wait, Clock::now());
    arm();
}

void RouterRunner::conflict_due() {
    const TimePoint now = Clock::now();
    const auto conflict = conflicts_.due(now);
    if (!conflict) return;
    ++stats_.conflicts;
    log::warn("{}: another host, {}, claims {}: announced anew", label(), to_string(conflict->mac),
              conflict->ip.to_string());
    if (context_.ports.announce(place_, conflict->ip, true)) ++stats_.announcements;
    context_.changed();
}

void RouterRunner::arm() {
    TimePoint next = machine_.deadline();
    if (const auto announcement = announcements_.next()) next = std::min(next, *announcement);
    if (const auto claim = conflicts_.deadline()) next = std::min(next, *claim);
    if (next == TimePoint::max()) {
        timers_->machine.cancel();
        return;
    }
    timers_->machine.expires_at(next);
    timers_->machine.async_wait([this, alive = std::weak_ptr(timers_)](const error_code& error) {
        if (error || alive.expired()) return;  // one that is due already is called after its timer has gone, too
        announce_due();
        conflict_due();
        apply(machine_.on_timer(Clock::now()));
    });
}

RouterStatus RouterRunner::status() const {
    RouterStatus status;
    status.id = router_.id;
    status.family = router_.family;
    status.interface = interface_;
    status.priority = router_.priority;
    status.addresses = router_.addresses;
    status.since_ms = to_ms(since_);
    status.conflicts = stats_.conflicts;
    status.splits = machine_.stats().splits;
    status.problem = problem_;
    switch (machine_.state()) {
        case State::master:
            status.state = RouterState::master;
            break;
        case State::backup:
            status.state = RouterState::backup;
            break;
        case State::init:
            status.state = problem_.empty() ? RouterState::init : RouterState::fault;
            break;
    }
    const auto& last = conflicts_.last();
    if (problem_.empty() && last && Clock::now() < last->second + kConflictShown) {
        status.problem =
            fmt::format("another host, {}, claims {}", to_string(last->first.mac), last->first.ip.to_string());
    }
    return status;
}

}  // namespace steelyard::vip
