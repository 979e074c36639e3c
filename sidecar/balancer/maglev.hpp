#pragma once
// A Maglev table (Eisenbud and others, "Maglev: a fast and reliable software network load balancer", 2016, section 3.4): a key
// belongs to the host in its entry of a table that the hosts filled in turns, each by its own permutation of the entries.
// Immutable; a look-up reads one cache line.
//
// Shares are by weight, rounded to whole entries, and every host has one at least: so they are more even than a ring's, from a
// table of 128 KiB. The table is made of the hosts' ids and weights alone, whatever their order. The price: when one of n hosts
// leaves or joins, its keys move (about 1/n), and a few between hosts that stay (with 65,537 entries and up to 500 hosts below 1 %
// of all keys).
//
// Size: the prime that was asked for, or, so that hosts have kEntriesPerHost each on average, the next one of a ladder that about
// doubles (crossing a step moves nearly all keys). Entries take 2 bytes while hosts are fewer than 65,536, else 4.
#include <cstdint>
#include <span>
#include <vector>

#include "sidecar/balancer/weight_class.hpp"

namespace steelyard::balancer {

class MaglevTable {
public:
    static constexpr uint32_t kEntriesPerHost = 8;

    MaglevTable() = default;
    // `classes`: of the hosts' weights, ordered by id hash within. O(size log size): 65,537 entries take some milliseconds.
    MaglevTable(std::span<const uint64_t> id_hashes, const WeightClasses& classes, uint32_t size);

    size_t size() const { return size_; }
    // Where the key's entry is. Not on an empty table.
    size_t find(uint64_t key_hash) const;
    // Where to look when that one's host will not do. Scattered, since a host's neighbours in the table are not evenly all others.
    size_t next(size_t entry) const { return (entry * kScatter + 1) % size_; }
    uint32_t host(size_t entry) const { return small_.empty() ? large_[entry] : small_[entry]; }

private:
    static constexpr uint64_t kScatter = 48'271;  // of Lehmer's generator

    template <class Entry>
    void fill(std::vector<Entry>& table, std::span<const uint64_t> id_hashes, const WeightClasses& classes);

    size_t size_ = 0;
    std::vector<uint16_t> small_;  // one of the two is in use
    std::vector<uint32_t> large_;
};

}  // namespace steelyard::balancer
