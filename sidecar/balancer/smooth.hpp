#pragma once
// Smooth weighted round robin: with W the sum of the weights over their greatest common divisor, every window of W picks in
// which the same hosts are usable has each usable host exactly its weight of times (the promise of nginx's algorithm, commit
// 52327e0627f4, 2012), and not in a burst: a host picked twice running is alone with its weight, and gets at most
// floor(w / T) + 1 picks in a row, T being the turns of the largest other class of equal weights.
// For the window after hosts became usable again each is off by less than one round of its class.
//
// nginx looks at every host for every pick. Here the hosts of equal weight are one class whose turns are evenly spaced on a
// round of virtual time, and the earliest turn of all classes comes next (earliest deadline first): O(log classes) a pick, and
// one more check for each unusable host whose turn would have been. Unusable hosts' turns are struck from the sequence, which
// leaves the others' order and shares as they were.
#include <memory>
#include <vector>

#include "sidecar/balancer/balancer.hpp"

namespace steelyard::balancer {

class SmoothWeightedRoundRobin final : public Balancer {
public:
    // `seed` gives the point of the round to begin at.
    SmoothWeightedRoundRobin(std::shared_ptr<const Plan> plan, uint64_t seed);
    uint32_t pick(const PickContext& context, HostFilter usable) override;

private:
    // A class's next turn. Times are 64-bit and wrap; a round is 2^62 long, and all turns are less than two rounds apart.
    struct Turn {
        uint64_t due;     // when: round + step * (number + 1/2)
        uint64_t round;   // when its round began
        uint64_t step;    // between two turns of a round
        uint64_t number;  // in its round, 0 .. the class's turns - 1
        uint32_t class_index;
        uint32_t member;  // whose: an offset into the class, number % count
    };

    static bool before(const Turn& a, const Turn& b);
    uint64_t turns(const Turn& turn) const;
    // The first usable member from turn.member on, as an offset from there, or the class's count when there is none.
    uint32_t find_usable(const Turn& turn, HostFilter usable) const;
    void advance(Turn& turn, uint64_t by) const;
    void sift_down(size_t size);
    void sift_up(size_t at);
    // Puts back the classes from `waiting` on, none of whose hosts was usable, past the turn that was taken at `now`.
    void restore(size_t waiting, uint64_t now);

    std::shared_ptr<const Plan> plan_;
    std::vector<Turn> heap_;  // the earliest first
};

}  // namespace steelyard::balancer
