#pragma once
// How much of the near hosts' weight is usable, and so whether a request goes to one of them (policy.locality).
//
// A worker's own count, kept by looking at a few hosts a pick in turn: exact up to kLooks hosts, beyond that a host's state is
// hosts / kLooks picks old. Draining hosts are no part of it: they leave, and others come.
#include <cstdint>
#include <vector>

#include "sidecar/upstream/snapshot.hpp"

namespace steelyard {

class NearShare {
public:
    static constexpr uint32_t kLooks = 8;

    // `snapshot` must outlive it.
    NearShare(const UpstreamSnapshot& snapshot, const Tier& tier, Distance reach);

    // Once before each pick.
    void refresh(int64_t now_ms);
    // Does this request go to a near host? So do all while min_healthy_percent of the weight is usable, below that as many in
    // proportion. `lot` is even over all 64 bits: chance, or the hash of a key that shall have the same answer each time.
    bool is_for_near(uint64_t lot) const;

private:
    struct Seen {
        uint32_t host;
        bool usable;
    };
    const UpstreamSnapshot& snapshot_;
    std::vector<Seen> seen_;
    size_t turn_ = 0;
    uint64_t total_ = 0;  // sums of weights
    uint64_t usable_ = 0;
};

}  // namespace steelyard
