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

// Which of two is busier, without dividing. Products stay below 2^60, and their eightfold below 2^63.
std::strong_ordering compare(const Load& a, const Load& b) { return a.requests * b.weight <=> b.requests * a.weight; }

// Is b's load lower than a's by so many eighths of it?
bool is_lower(const Load& b, const Load& a, uint64_t eighths) {
    return b.requests * a.weight * 8 < a.requests * b.weight * (8 - eighths);
}

}  // namespace

LeastRequest::LeastRequest(std::shared_ptr<const Plan> plan, uint64_t seed)
    : plan_(std::move(plan)),
      random_(seed),
      eighths_(plan_->algorithm == config::Algorithm::least_connections ? 1 : 0) {}

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
            const bool second = is_lower(Load(*host, context.warmth), Load(*first, context.warmth), eighths_);
            return second ? host->index : first->index;
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
