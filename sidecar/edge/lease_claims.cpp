#include "sidecar/edge/lease_claims.hpp"

#include <algorithm>
#include <utility>

namespace steelyard::edge {
namespace {

using push::LeaseAction;

constexpr int kGreatest = 247;  // of the priorities of sound nodes
constexpr Milliseconds kRank{4}, kLeastRank{20};
constexpr Milliseconds kLongest{60'000};

Milliseconds poll_of(Milliseconds duration) { return std::min(LeaseClaims::kMostPoll, duration / 4); }
Milliseconds rank_of(const LeaseWant& want) { return kRank * std::max(0, kGreatest - want.priority); }

}  // namespace

void LeaseClaims::want(const std::vector<LeaseWant>& wants, TimePoint now) {
    for (auto& [id, lease] : leases_) {
        const auto same = [id = id](const LeaseWant& one) { return one.router_id == id; };
        if (!lease.want || std::any_of(wants.begin(), wants.end(), same)) continue;
        lease.want.reset();
        lease.transfer_to.clear();
        lease.due = now;  // to release it
    }
    for (const auto& one : wants) {
        Lease& lease = leases_[one.router_id];
        const bool ours = !lease.given && now < lease.until;
        if (!lease.want) lease.due = ours ? now : now + rank_of(one);
        lease.want = one;
        lease.duration = one.duration;
    }
    forget_done(now);
}

// What is neither wanted nor ours; not while an answer could make it ours.
void LeaseClaims::forget_done(TimePoint now) {
    std::erase_if(leases_, [&](const auto& entry) {
        const auto& [id, lease] = entry;
        if (lease.want || now < lease.until) return false;
        const auto asks = [id = id](const push::LeaseClaim& one) { return one.router_id == id; };
        return !under_way_ || std::none_of(under_way_->claim.leases.begin(), under_way_->claim.leases.end(), asks);
    });
}

void LeaseClaims::connected(TimePoint now) {
    abandon(now);
    connected_ = true;
}

void LeaseClaims::disconnected(TimePoint now) {
    abandon(now);
    connected_ = false;
}

// Whatever was asked is asked again.
void LeaseClaims::abandon(TimePoint now) {
    if (!under_way_) return;
    if (overdue(now)) ++stats_.overdue;
    for (const auto& claim : under_way_->claim.leases) {
        const auto found = leases_.find(claim.router_id);
        if (found != leases_.end()) found->second.due = now;
    }
    under_way_.reset();
}

std::optional<push::Claim> LeaseClaims::next(TimePoint now) {
    forget_done(now);
    if (!connected_ || under_way_) return std::nullopt;
    push::Claim claim;
    Milliseconds shortest = kLongest;
    for (auto& [id, lease] : leases_) {
        if (now < lease.due || claim.leases.size() == push::kMaxClaims) continue;
        claim.leases.push_back(claim_of(id, lease, now));
        shortest = std::min(shortest, lease.duration);
    }
    if (claim.leases.empty()) return std::nullopt;
    claim.id = ++last_id_;
    under_way_ = UnderWay{claim, now, now + std::clamp(shortest / 3, kLeastAnswer, kMostAnswer)};
    return claim;
}

push::LeaseClaim LeaseClaims::claim_of(uint8_t router_id, Lease& lease, TimePoint now) {
    lease.due = TimePoint::max();  // until it is answered
    push::LeaseClaim claim{router_id, LeaseAction::hold, lease.want ? lease.want->priority : uint8_t{0}, {}};
    if (!lease.want) {
        claim.action = LeaseAction::release;
        ++stats_.releases;
    } else if (!lease.transfer_to.empty() && now < lease.until) {
        claim.action = LeaseAction::transfer;
        claim.to = std::exchange(lease.transfer_to, {});
        ++stats_.transfers;
    } else {
        return claim;
    }
    lease.given = true;
    return claim;
}

void LeaseClaims::on_grant(const push::Grant& grant, TimePoint now) {
    if (!under_way_ || under_way_->claim.id != grant.id) return;
    const push::Claim claim = under_way_->claim;
    for (const auto& one : claim.leases) {
        const auto found = std::find_if(grant.leases.begin(), grant.leases.end(),
                                        [&](const auto& other) { return other.router_id == one.router_id; });
        push::LeaseGrant none;
        none.problem = "the controller says nothing of it";
        answered(one, found == grant.leases.end() ? none : *found, now);
    }
    under_way_.reset();
    forget_done(now);
}

void LeaseClaims::answered(const push::LeaseClaim& claim, const push::LeaseGrant& grant, TimePoint now) {
    const auto found = leases_.find(claim.router_id);
    if (found == leases_.end()) return;
    Lease& lease = found->second;
    lease.problem = grant.problem;
    const bool hold = claim.action == LeaseAction::hold;
    if (!grant.problem.empty()) {
        if (hold) ++stats_.problems;
        lease.due = now + poll_of(lease.duration);
    } else if (grant.held && hold) {
        ++stats_.held;
        held(lease, grant, now);
    } else if (grant.held) {
        lease.due = now + poll_of(lease.duration);  // it was not taken from us: asked, or given, again
    } else {
        if (hold) ++stats_.not_held;
        not_held(lease, grant, now);
    }
}

void LeaseClaims::held(Lease& lease, const push::LeaseGrant& grant, TimePoint now) {
    const Milliseconds duration = std::min(Milliseconds{grant.duration_ms}, kLongest);
    lease.until = under_way_->sent + duration;
    lease.given = false;
    lease.holder = node_;
    lease.wanted_by = grant.wanted_by;
    lease.due = std::max(now, under_way_->sent + duration / 3);
    if (lease.want) {
        wished_for(lease, now);
    } else {
        lease.due = now;  // it is not wanted any more
    }
}

// A better node asks for it.
void LeaseClaims::wished_for(Lease& lease, TimePoint now) {
    const LeaseWant& want = *lease.want;
    if (lease.wanted_by.empty() || lease.wanted_by == node_ || !want.preempt) {
        lease.wished.reset();
        return;
    }
    if (!lease.wished) lease.wished = now;
    const TimePoint at = *lease.wished + want.preempt_delay;
    if (now < at) {
        lease.due = std::min(lease.due, at);
        return;
    }
    lease.transfer_to = lease.wanted_by;
    lease.due = now;
}

void LeaseClaims::not_held(Lease& lease, const push::LeaseGrant& grant, TimePoint now) {
    lease.until = {};
    lease.given = false;
    lease.holder = grant.holder;
    lease.wanted_by = grant.wanted_by;
    lease.wished.reset();
    const bool free = grant.holder.empty() && lease.want;
    lease.due = now + (free ? std::max(rank_of(*lease.want), kLeastRank) : poll_of(lease.duration));
}

TimePoint LeaseClaims::deadline() const {
    if (!connected_) return TimePoint::max();
    if (under_way_) return under_way_->answer_by;
    TimePoint next = TimePoint::max();
    for (const auto& [id, lease] : leases_) next = std::min(next, lease.due);
    return next;
}

TimePoint LeaseClaims::until(uint8_t router_id) const {
    const auto found = leases_.find(router_id);
    if (found == leases_.end() || !found->second.want || found->second.given) return {};
    return found->second.until;
}

}  // namespace steelyard::edge
