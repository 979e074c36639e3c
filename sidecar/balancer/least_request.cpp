#include "sidecar/balancer/least_request.hpp"

#include <compare>

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

namespace {

// Read once: other workers change it meanwhile.
struct Load {
    uint64_t requests;  // 0 when idle, else active + 1
    uint64_t weight;    // in percent of it while somebody is warming

    Load(const PlanHost& host, const Warmth* warmth) : requests(host.in_flight()), weight(host.weight) {
        if (requests > 0) ++requests;
        if (warmth != nullptr) weight *= warmth->percent(host.index);
    }
};

// Which of two is busier, without dividing. Products stay below 2^60.
std::strong_ordering compare(const Load& a, const Load& b) { return a.requests * b.weight <=> b.requests * a.weight; }

}  // namespace

LeastRequest::LeastRequest(std::shared_ptr<const Plan> plan, uint64_t seed) : plan_(std::move(plan)), random_(seed) {}

uint32_t LeastRequest::pick(const PickContext& context, HostFilter usable) {
    if (plan_->hosts.empty()) return kNoHost;
    const PlanHost* first = nullptr;
    bool refused = false;
    for (int i = 0; i < kDraws; ++i) {
        const PlanHost* host = &plan_->hosts[plan_->draw(random_)];
        if (host == first) continue;
        if (!usable(host->index)) {
            refused = true;
        } else if (!first) {
            first = host;
        } else {
            return compare(Load(*host, context.warmth), Load(*first, context.warmth)) < 0 ? host->index : first->index;
        }
    }
    const bool dominant = first && !refused && plan_->count() > kScanGladly;
    return dominant ? first->index : scan(context.warmth, usable);
}

uint32_t LeastRequest::scan(const Warmth* warmth, HostFilter usable) {
    const PlanHost* best = nullptr;
    Load least{*plan_->hosts.data(), nullptr};
    uint64_t equals = 0;  // sum of weights of those that are as good as the best
    for (const PlanHost& host : plan_->hosts) {
        if (!usable(host.index)) continue;
        const Load load{host, warmth};
        const auto order = best ? compare(load, least) : std::strong_ordering::less;
        if (order > 0) continue;
        equals = order < 0 ? host.weight : equals + host.weight;
        if (order < 0 || random_.below(equals) < host.weight) {
            best = &host;
            least = load;
        }
    }
    return best ? best->index : kNoHost;
}

}  // namespace steelyard::balancer
