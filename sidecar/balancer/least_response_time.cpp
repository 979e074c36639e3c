#include "sidecar/balancer/least_response_time.hpp"

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

namespace {

constexpr float kClearly = 0.875F;

// Read once: other workers change it meanwhile.
struct Load {
    float us;
    float confidence;
    float crowd;  // 1 + active / (weight / mean weight)

    Load(const PlanHost& host, const ResponseAverage* average, float mean_weight, const PickContext& context) {
        const ResponseAverage::Reading reading = average ? average->read(context.now_ms) : ResponseAverage::Reading{};
        us = static_cast<float>(reading.us);
        confidence = reading.confidence;
        crowd = static_cast<float>(host.in_flight()) * mean_weight / static_cast<float>(host.weight);
        if (context.warmth != nullptr) crowd *= 100 / static_cast<float>(context.warmth->percent(host.index));
        crowd += 1;
    }
    // `typical`: what a host of which nothing is known is taken for.
    float value(float typical) const { return (confidence * us + (1 - confidence) * typical) * crowd; }
};

// Is b's load clearly lower than a's?
bool clearly_lower(const Load& b, const Load& a) {
    const float known = a.confidence + b.confidence;
    const float typical = known > 0 ? (a.confidence * a.us + b.confidence * b.us) / known : 1;
    return b.value(typical) < a.value(typical) * kClearly;
}

}  // namespace

LeastResponseTime::LeastResponseTime(std::shared_ptr<const Plan> plan, uint64_t seed)
    : plan_(std::move(plan)), random_(seed) {}

uint32_t LeastResponseTime::pick(const PickContext& context, HostFilter usable) {
    if (plan_->hosts.empty()) return kNoHost;
    const auto load = [&](uint32_t i) {
        return Load(plan_->hosts[i], plan_->averages[i], plan_->mean_weight, context);
    };
    uint32_t first = kNoHost;
    bool refused = false;
    for (int i = 0; i < kDraws; ++i) {
        const uint32_t drawn = plan_->draw(random_);
        if (drawn == first) continue;
        if (!usable(plan_->hosts[drawn].index)) {
            refused = true;
        } else if (first == kNoHost) {
            first = drawn;
        } else {
            return plan_->hosts[clearly_lower(load(drawn), load(first)) ? drawn : first].index;
        }
    }
    const bool dominant = first != kNoHost && !refused && plan_->count() > kScanGladly;
    return dominant ? plan_->hosts[first].index : scan(context, usable);
}

// A tournament in an order of chance: each usable host by weight against the best so far.
uint32_t LeastResponseTime::scan(const PickContext& context, HostFilter usable) {
    uint32_t best = kNoHost;
    uint64_t sum = 0;
    for (uint32_t i = 0; i < plan_->count(); ++i) {
        const PlanHost& host = plan_->hosts[i];
        if (!usable(host.index)) continue;
        sum += host.weight;
        if (best == kNoHost) {
            best = i;
            continue;
        }
        const Load its(host, plan_->averages[i], plan_->mean_weight, context);
        const Load lowest(plan_->hosts[best], plan_->averages[best], plan_->mean_weight, context);
        const bool ahead = random_.below(sum) < host.weight;  // as if it had been drawn first
        if (ahead ? !clearly_lower(lowest, its) : clearly_lower(its, lowest)) best = i;
    }
    return best == kNoHost ? kNoHost : plan_->hosts[best].index;
}

}  // namespace steelyard::balancer
