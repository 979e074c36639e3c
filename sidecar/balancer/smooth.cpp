#include "sidecar/balancer/smooth.hpp"

#include <algorithm>
#include <utility>

#include "sidecar/balancer/plan.hpp"

namespace steelyard::balancer {

namespace {

constexpr uint64_t kRound = uint64_t{1} << 62;

}  // namespace

SmoothWeightedRoundRobin::SmoothWeightedRoundRobin(std::shared_ptr<const Plan> plan, uint64_t seed)
    : plan_(std::move(plan)) {
    const uint64_t start = Random(seed).below(kRound);
    const auto& classes = plan_->classes.classes;
    heap_.reserve(classes.size());
    for (uint32_t i = 0; i < classes.size(); ++i) {
        const uint64_t step = kRound / classes[i].turns;
        Turn turn{.due = step / 2, .round = 0, .step = step, .number = 0, .class_index = i, .member = 0};
        if (start > turn.due) advance(turn, (start - turn.due + step - 1) / step);
        heap_.push_back(turn);
        sift_up(heap_.size() - 1);
    }
}

uint32_t SmoothWeightedRoundRobin::pick(const PickContext&, HostFilter usable) {
    size_t size = heap_.size();
    while (size > 0) {
        Turn& turn = heap_.front();
        const WeightClass& its = plan_->classes.classes[turn.class_index];
        const uint32_t skipped = find_usable(turn, usable);
        if (skipped == its.count) {
            std::swap(turn, heap_[--size]);
            sift_down(size);
        } else if (skipped > 0) {
            advance(turn, skipped);
            sift_down(size);
        } else {
            const uint64_t now = turn.due;
            const uint32_t host = plan_->classes.members[its.first + turn.member];
            advance(turn, 1);
            sift_down(size);
            restore(size, now);
            return plan_->hosts[host].index;
        }
    }
    for (size_t i = 0; i < heap_.size(); ++i) sift_up(i);  // nobody is usable: as it was
    return kNoHost;
}

bool SmoothWeightedRoundRobin::before(const Turn& a, const Turn& b) {
    const auto apart = static_cast<int64_t>(a.due - b.due);
    return apart != 0 ? apart < 0 : a.class_index < b.class_index;
}

uint64_t SmoothWeightedRoundRobin::turns(const Turn& turn) const {
    return plan_->classes.classes[turn.class_index].turns;
}

uint32_t SmoothWeightedRoundRobin::find_usable(const Turn& turn, HostFilter usable) const {
    const WeightClass& its = plan_->classes.classes[turn.class_index];
    uint32_t member = turn.member;
    for (uint32_t offset = 0; offset < its.count; ++offset) {
        if (usable(plan_->hosts[plan_->classes.members[its.first + member]].index)) return offset;
        if (++member == its.count) member = 0;
    }
    return its.count;
}

void SmoothWeightedRoundRobin::advance(Turn& turn, uint64_t by) const {
    const uint32_t count = plan_->classes.classes[turn.class_index].count;
    turn.number += by;
    for (const uint64_t all = turns(turn); turn.number >= all; turn.number -= all) turn.round += kRound;
    turn.due = turn.round + turn.number * turn.step + turn.step / 2;
    if (by == 1) {
        if (++turn.member == count) turn.member = 0;
    } else {
        turn.member =
            static_cast<uint32_t>(turn.number % count);  // a round is a whole number of goes through the members
    }
}

void SmoothWeightedRoundRobin::sift_down(size_t size) {
    size_t at = 0;
    for (size_t child = 1; child < size; child = 2 * at + 1) {
        if (child + 1 < size && before(heap_[child + 1], heap_[child])) ++child;
        if (!before(heap_[child], heap_[at])) return;
        std::swap(heap_[child], heap_[at]);
        at = child;
    }
}

void SmoothWeightedRoundRobin::sift_up(size_t at) {
    while (at > 0) {
        const size_t parent = (at - 1) / 2;
        if (!before(heap_[at], heap_[parent])) return;
        std::swap(heap_[at], heap_[parent]);
        at = parent;
    }
}

void SmoothWeightedRoundRobin::restore(size_t waiting, uint64_t now) {
    for (; waiting < heap_.size(); ++waiting) {
        Turn& turn = heap_[waiting];
        advance(turn, (now - turn.due) / turn.step + 1);
        sift_up(waiting);
    }
}

}  // namespace steelyard::balancer
