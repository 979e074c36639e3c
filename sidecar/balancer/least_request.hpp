#pragma once
// Least request by the power of two choices (Mitzenmacher, 2001): draws two different usable hosts by weight and takes the one
// with the lower load. Load is 0 for an idle host, else (active + 1) / weight; of equals the first drawn. So while all are idle
// hosts are picked by weight, and when they are not, requests in flight settle in proportion to weight.
//
// Least connections is the same with HostEntry::active counting connections, also idle ones, but that the second drawn must have
// an eighth less. A request over an idle connection adds none: of two hosts that hold 50 and 51, all requests would go to one until
// the other's idle connections have timed out, and then to that one.
//
// O(1). When kDraws draws do not find two usable hosts, a scan takes the least loaded of all usable ones (of equals one by
// weight). No scan when one of many hosts has nearly all the weight, so that it is drawn every time: it is taken.
#include <memory>

#include "sidecar/balancer/balancer.hpp"
#include "sidecar/balancer/bits.hpp"

namespace steelyard::balancer {

class LeastRequest final : public Balancer {
public:
    static constexpr int kDraws = 12;

    LeastRequest(std::shared_ptr<const Plan> plan, uint64_t seed);
    uint32_t pick(const PickContext& context, HostFilter usable) override;

private:
    uint32_t scan(const Warmth* warmth, HostFilter usable);

    std::shared_ptr<const Plan> plan_;
    Random random_;
    uint64_t eighths_;  // by which the second drawn must be lower
};

}  // namespace steelyard::balancer
