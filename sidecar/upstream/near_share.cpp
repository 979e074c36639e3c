#include "sidecar/upstream/near_share.hpp"

#include <algorithm>

#include "sidecar/balancer/bits.hpp"

namespace steelyard {

NearShare::NearShare(const UpstreamSnapshot& snapshot, const Tier& tier, Distance reach) : snapshot_(snapshot) {
    for (uint32_t i = 0; i < snapshot.hosts.size(); ++i) {
        const SnapshotHost& host = snapshot.hosts[i];
        if (host.priority != tier.priority || host.distance > reach || host.draining || host.weight == 0) continue;
        seen_.push_back({.host = i, .usable = host.host->usable()});
        total_ += host.weight;
        if (seen_.back().usable) usable_ += host.weight;
    }
}

void NearShare::refresh(int64_t now_ms) {
    const size_t looks = std::min<size_t>(kLooks, seen_.size());
    for (size_t i = 0; i < looks; ++i) {
        Seen& seen = seen_[turn_];
        const SnapshotHost& host = snapshot_.hosts[seen.host];
        if (const bool usable = host.host->preferred(now_ms); usable != seen.usable) {
            usable_ += usable ? host.weight : 0 - uint64_t{host.weight};
            seen.usable = usable;
        }
        if (++turn_ == seen_.size()) turn_ = 0;
    }
}

// usable / total / (min_healthy_percent / 100) of them, without dividing. Products stay below 2^45 before the lot's.
bool NearShare::is_for_near(uint64_t lot) const {
    const uint64_t wanted = total_ * snapshot_.policy.locality.min_healthy_percent;
    return usable_ != 0 && static_cast<uint64_t>((balancer::Uint128{lot} * wanted) >> 64) < usable_ * 100;
}

}  // namespace steelyard
