#include "sidecar/upstream/host_picker.hpp"

#include <algorithm>

#include "sidecar/upstream/ejection.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {

using balancer::kNoHost;

class HostPicker::Warming final : public balancer::Warmth {
public:
    Warming(const UpstreamSnapshot& snapshot, int64_t now_ms) : snapshot_(snapshot), now_ms_(now_ms) {}

    uint32_t percent(uint32_t host) const override {
        const int64_t since = snapshot_.hosts[host].host->warm_since_ms.load(std::memory_order_relaxed);
        return warm_percent(*snapshot_.policy.slow_start, since, now_ms_);
    }

private:
    const UpstreamSnapshot& snapshot_;
    int64_t now_ms_;
};

HostPicker::HostPicker(const UpstreamSnapshot& snapshot, uint64_t seed)
    : snapshot_(snapshot), random_(seed), hashing_(config::is_hashing(snapshot.policy.algorithm)) {
    for (const auto& tier : snapshot.tiers) {
        Tier& mine = tiers_.emplace_back(Tier{.circles = {}, .mean_weight = tier.mean_weight});
        for (const auto& circle : tier.circles) {
            mine.circles.push_back({circle.reach, balancer::make_balancer(circle.plan, random_.next()), std::nullopt});
            if (&circle != &tier.circles.back()) mine.circles.back().share.emplace(snapshot, tier, circle.reach);
        }
    }
}

uint32_t HostPicker::pick(const balancer::PickContext& context, const TriedHosts& tried, TimePoint now) {
    now_ms_ = steady_ms(now);
    balancer::PickContext timed = context;
    const int64_t until = snapshot_.warming_until_ms.load(std::memory_order_relaxed);
    const Warming warming(snapshot_, now_ms_);
    if (now_ms_ < until && !hashing_) timed.warmth = &warming;
    uint32_t picked = pick_in_tiers(timed, tried);
    if (picked == kNoHost && any_ejected()) {
        desperate_ = true;
        picked = pick_in_tiers(timed, tried);
        desperate_ = false;
    }
    if (picked != kNoHost) begin_trial(*snapshot_.hosts[picked].host, now_ms_);
    return picked;
}

bool HostPicker::any_ejected() const {
    return std::ranges::any_of(snapshot_.hosts, [&](const auto& one) { return is_ejected(*one.host, now_ms_); });
}

uint32_t HostPicker::pick_in_tiers(const balancer::PickContext& context, const TriedHosts& tried) {
    for (Tier& tier : tiers_) {
        if (const uint32_t picked = pick_in(tier, context, tried); picked != kNoHost) return picked;
    }
    return kNoHost;
}

// From circle to wider circle, where what was within is left out: it has had its share, or its host is full. Not so in the widest when
// somebody is full: then any host will do, or those farther away would get more than their share.
uint32_t HostPicker::pick_in(Tier& tier, const balancer::PickContext& context, const TriedHosts& tried) {
    const auto& hosts = snapshot_.hosts;
    const auto usable = [&](uint32_t i) {
        const Host& host = *hosts[i].host;
        return !hosts[i].draining && (desperate_ ? host.usable() : host.preferred(now_ms_)) &&
               !(tried.count() != 0 && tried.contains(hosts[i].host.get()));
    };
    std::optional<Distance> beyond;
    bool full = false;
    const auto usable_beyond = [&](uint32_t i) { return hosts[i].distance > *beyond && usable(i); };
    for (Circle& circle : tier.circles) {
        if (circle.share) {
            circle.share->refresh(now_ms_);
            const uint64_t lot = hashing_ ? balancer::mix(context.hash ^ balancer::kGolden) : random_.next();
            if (!circle.share->is_for_near(lot)) {
                beyond = circle.reach;
                continue;
            }
        }
        const bool widest = !circle.share;
        uint32_t picked = kNoHost;
        if (beyond && !(widest && full)) picked = draw(*circle.balancer, context, usable_beyond);
        if (picked == kNoHost && (widest || !beyond)) picked = draw(*circle.balancer, context, usable);
        if (picked == kNoHost) continue;
        if (widest || !is_full(picked, tier)) return picked;
        beyond = circle.reach;
        full = true;
    }
    return kNoHost;
}

uint32_t HostPicker::draw(balancer::Balancer& balancer, const balancer::PickContext& context,
                          balancer::HostFilter usable) {
    uint32_t picked = balancer.pick(context, usable);
    if (context.warmth == nullptr) return picked;
    for (int i = 0; i < kRedraws && picked != kNoHost; ++i) {
        const uint32_t percent = context.warmth->percent(picked);
        if (percent >= 100 || random_.below(100) < percent) break;
        picked = balancer.pick(context, usable);
    }
    return picked;
}

bool HostPicker::is_full(uint32_t host, const Tier& tier) const {
    const uint32_t most = snapshot_.policy.locality.max_requests;
    if (most == 0) return false;
    const SnapshotHost& its = snapshot_.hosts[host];
    return its.host->active.load(std::memory_order_relaxed) * tier.mean_weight >=
           static_cast<double>(most) * its.weight;
}

}  // namespace steelyard
