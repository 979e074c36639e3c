#include "sidecar/balancer/maglev.hpp"

#include <algorithm>
#include <array>
#include <limits>
#include <queue>

#include "common/config/prime.hpp"
#include "sidecar/balancer/bits.hpp"

namespace steelyard::balancer {

namespace {

// The last has room for 131,072 hosts, more than an upstream can have (config::kMaxEndpointsPerUpstream).
constexpr std::array<uint32_t, 5> kLadder = {65'537, 131'101, 262'147, 524'309, 1'048'583};
static_assert(std::all_of(kLadder.begin(), kLadder.end(), config::is_prime));

uint32_t size_for(size_t hosts, uint32_t wanted) {
    const size_t least = hosts * MaglevTable::kEntriesPerHost;
    if (wanted >= least) return wanted;
    for (const uint32_t size : kLadder) {
        if (size >= least) return size;
    }
    return kLadder.back();
}

// A host's permutation of the entries: next, next + step, ... modulo the table's size, which is a prime.
struct Walk {
    uint32_t next;
    uint32_t step;

    Walk(uint64_t id_hash, uint32_t size)
        : next(static_cast<uint32_t>(mix(id_hash + kGolden) % size)),
          step(static_cast<uint32_t>(mix(id_hash + 2 * kGolden) % (size - 1) + 1)) {}

    uint32_t take(uint32_t size) {
        const uint32_t entry = next;
        next += step;  // both below 2^21
        if (next >= size) next -= size;
        return entry;
    }
};

// When a class's hosts take their next entry, one each: first at 0, then at (2n + 1) / weight for n = 1, 2, ... So each gets
// its share rounded to the nearest, and one at least.
struct Turn {
    uint64_t number;
    uint64_t weight;  // in units of the common divisor
    uint32_t class_index;

    // Later than the other. Products stay below 2^42.
    bool operator<(const Turn& other) const {
        const uint64_t mine = number * other.weight;
        const uint64_t its = other.number * weight;
        return mine != its ? mine > its : class_index > other.class_index;
    }
};

}  // namespace

MaglevTable::MaglevTable(std::span<const uint64_t> id_hashes, const WeightClasses& classes, uint32_t size) {
    if (id_hashes.empty()) return;
    size_ = size_for(id_hashes.size(), size);
    if (id_hashes.size() < std::numeric_limits<uint16_t>::max()) {
        fill(small_, id_hashes, classes);
    } else {
        fill(large_, id_hashes, classes);
    }
}

template <class Entry>
void MaglevTable::fill(std::vector<Entry>& table, std::span<const uint64_t> id_hashes, const WeightClasses& classes) {
    constexpr Entry kFree = std::numeric_limits<Entry>::max();
    const auto size = static_cast<uint32_t>(size_);
    table.assign(size_, kFree);
    std::vector<Walk> walks;
    walks.reserve(id_hashes.size());
    for (const uint64_t id_hash : id_hashes) walks.emplace_back(id_hash, size);

    std::priority_queue<Turn> turns;
    for (uint32_t i = 0; i < classes.classes.size(); ++i) {
        const WeightClass& its = classes.classes[i];
        turns.push({.number = 0, .weight = its.turns / its.count, .class_index = i});
    }
    for (size_t left = size_; left > 0;) {
        Turn turn = turns.top();
        turns.pop();
        const WeightClass& its = classes.classes[turn.class_index];
        for (uint32_t i = 0; i < its.count && left > 0; ++i, --left) {
            const uint32_t host = classes.members[its.first + i];
            uint32_t entry = walks[host].take(size);
            while (table[entry] != kFree) entry = walks[host].take(size);
            table[entry] = static_cast<Entry>(host);
        }
        turn.number = turn.number == 0 ? 3 : turn.number + 2;
        turns.push(turn);
    }
}

// The caller's hash may be a plain number.
size_t MaglevTable::find(uint64_t key_hash) const {
    return static_cast<size_t>((Uint128{mix(key_hash)} * size_) >> 64);
}

}  // namespace steelyard::balancer
