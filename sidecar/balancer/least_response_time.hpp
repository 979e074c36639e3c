#pragma once
// Least response time by the power of two choices: draws two different usable hosts by weight and takes the first, unless the second's
// load is clearly lower (by an eighth, so that noise does not override the weights). Load is the average response time times
// (1 + active / weight), weight in units of the mean: at equal weights the average times (in flight + 1).
//
// An average counts by its age: what is not known of one host is filled up with what is known of the two. So a new host is like
// the other until it has answered, by requests in flight, and is not flooded; and a host that was slow is tried again after 3 kTau
// (15 s) at the latest, however slow it was.
//
// O(1). When kDraws draws do not find two usable hosts, a scan takes the least loaded of all usable ones.
#include <memory>

#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/bits.hpp"

namespace steelyard::balancer {

class LeastResponseTime final : public Balancer {
public:
    static constexpr int kDraws = 12;

    LeastResponseTime(std::shared_ptr<const Plan> plan, uint64_t seed);
    uint32_t pick(const PickContext& context, HostFilter usable) override;

private:
    uint32_t scan(const PickContext& context, HostFilter usable);

    std::shared_ptr<const Plan> plan_;
    Random random_;
};

}  // namespace steelyard::balancer
