#include "sidecar/balancer/ring.hpp"

#include <algorithm>
#include <bit>
#include <tuple>

#include "sidecar/balancer/bits.hpp"
#include "sidecar/balancer/weight_class.hpp"

namespace steelyard::balancer {

namespace {

constexpr uint64_t divide_up(uint64_t a, uint64_t b) { return (a + b - 1) / b; }

uint32_t position_of(uint64_t id_hash, uint32_t nth) {
    return static_cast<uint32_t>(mix(id_hash + (nth + 1) * kGolden) >> 32);
}

// The caller's hash may be a plain number; the ring needs one whose high bits are as good as any.
uint32_t position_of_key(uint64_t key_hash) { return static_cast<uint32_t>(mix(key_hash) >> 32); }

std::vector<uint32_t> count_points(std::span<const RingHost> hosts, uint32_t virtual_nodes) {
    std::vector<uint32_t> weights;
    for (const RingHost& host : hosts) weights.push_back(host.weight);
    const uint64_t unit = common_divisor(weights);
    uint64_t total = 0;
    uint64_t most = 0;
    for (const uint32_t weight : weights) {
        const uint64_t wanted = weight / unit * virtual_nodes;
        total += wanted;
        most = std::max(most, wanted);
    }
    const uint64_t scale =
        std::max({uint64_t{1}, divide_up(total, kMaxRingPoints), divide_up(most, kMaxRingPointsPerHost)});
    for (uint32_t& weight : weights) {
        weight = static_cast<uint32_t>(std::max(uint64_t{1}, weight / unit * virtual_nodes / scale));
    }
    return weights;
}

}  // namespace

Ring::Ring(std::span<const RingHost> hosts, uint32_t virtual_nodes) {
    if (!hosts.empty()) place(hosts, count_points(hosts, std::max(virtual_nodes, 1U)));
}

// Sorts by counting: positions are even, so with a bucket for each point or so what is left to sort is a handful in each.
void Ring::place(std::span<const RingHost> hosts, const std::vector<uint32_t>& points_of) {
    uint64_t total = 0;
    for (const uint32_t points : points_of) total += points;
    const uint64_t bits = total < 4 ? 1 : std::bit_width(total) - 1;  // 20 at most, by the bounds
    shift_ = static_cast<uint32_t>(32 - bits);
    buckets_.assign((size_t{1} << bits) + 1, 0);
    points_.resize(total);

    for (uint32_t i = 0; i < hosts.size(); ++i) {
        for (uint32_t n = 0; n < points_of[i]; ++n) ++buckets_[position_of(hosts[i].id_hash, n) >> shift_];
    }
    uint32_t sum = 0;
    for (uint32_t& bucket : buckets_)
        bucket = sum += bucket;  // now each one's end; filled from there downwards to its start
    for (auto i = static_cast<uint32_t>(hosts.size()); i-- > 0;) {
        for (uint32_t n = 0; n < points_of[i]; ++n) {
            const uint32_t position = position_of(hosts[i].id_hash, n);
            points_[--buckets_[position >> shift_]] = {.position = position, .host = i};
        }
    }
    for (size_t b = 0; b + 1 < buckets_.size(); ++b) {
        std::sort(points_.begin() + buckets_[b], points_.begin() + buckets_[b + 1],
                  [&](const Point& x, const Point& y) {
                      return std::tuple(x.position, hosts[x.host].id_hash, x.host) <
                             std::tuple(y.position, hosts[y.host].id_hash, y.host);
                  });
    }
}

size_t Ring::find(uint64_t key_hash) const {
    const uint32_t position = position_of_key(key_hash);
    uint32_t at = buckets_[position >> shift_];
    const uint32_t end = buckets_[(position >> shift_) + 1];
    while (at < end && points_[at].position < position) ++at;
    return at == points_.size() ? 0 : at;
}

}  // namespace steelyard::balancer
