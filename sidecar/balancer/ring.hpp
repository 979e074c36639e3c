#pragma once
// A consistent-hashing ring (Karger and others, "Consistent hashing and random trees", 1997): each host stands at many points of a
// circle, and a key belongs to the host at the next point. Immutable; lookups read two cache lines, whatever the size.
//
// Points: virtual_nodes for each unit of weight, where the unit is the greatest common divisor of all weights. A host's points
// depend on its id alone, so when one of n hosts leaves, its keys (about 1/n) go to others and no other key moves. Exceptions:
// a change of the unit (weights 2, 4 joined by 3), or of the scale that keeps the ring within bounds, moves more.
#include <cstdint>
#include <span>
#include <vector>

namespace steelyard::balancer {

// Past either bound all hosts get fewer points in proportion, at least one each (so at most kMaxRingPoints + hosts in all).
// At 150 virtual nodes and equal weights that begins at 13,334 hosts.
constexpr uint64_t kMaxRingPoints = 2'000'000;
constexpr uint64_t kMaxRingPointsPerHost = 100'000;

struct RingHost {
    uint64_t id_hash;
    uint32_t weight;  // 1 and more
};

class Ring {
public:
    Ring() = default;
    // O(points), some 30 ns each. Equal id hashes stand at equal points: the first of them gets the keys.
    Ring(std::span<const RingHost> hosts, uint32_t virtual_nodes);

    size_t size() const { return points_.size(); }
    // The first point at or after the key's place. Not on an empty ring.
    size_t find(uint64_t key_hash) const;
    size_t next(size_t point) const { return point + 1 == points_.size() ? 0 : point + 1; }
    uint32_t host(size_t point) const { return points_[point].host; }

private:
    struct Point {
        uint32_t position;
        uint32_t host;
    };
    void place(std::span<const RingHost> hosts, const std::vector<uint32_t>& points_of);

    std::vector<Point> points_;      // by position, id hash, host
    std::vector<uint32_t> buckets_;  // the first point at or after i << shift_; one more at the end
    uint32_t shift_ = 32;
};

}  // namespace steelyard::balancer
