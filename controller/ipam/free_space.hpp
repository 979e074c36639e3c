#pragma once
// The addresses of a pool's ranges that nobody has. Costs memory for what was taken and given back, never for the size of the
// ranges; every call is O(log n) of that. A pure value.
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "controller/ipam/address.hpp"

namespace steelyard::ipam {

class FreeSpace {
public:
    // All of `ranges` (disjoint) is free. The last `remembered` addresses that are given back are avoided by pick().
    FreeSpace(const std::vector<Range>& ranges, size_t remembered);

    void take(const Address& address);       // one that is not free: nothing happens
    void give_back(const Address& address);  // one that was taken
    bool is_free(const Address& address) const;

    // The lowest free address of the family that was not given back lately; else the one whose return is the longest ago. The
    // address stays free. nullopt: there is none.
    std::optional<Address> pick(Family family) const;
    Uint128 count(Family family) const { return counts_[static_cast<size_t>(family)]; }

private:
    using Returns = std::map<uint64_t, Address>;  // by the order of return

    void put(const Address& address);  // into intervals_, joined with its neighbours

    const size_t remembered_;
    std::map<Address, Address> intervals_;  // first -> last, disjoint
    Returns returned_[2];                   // a family each
    std::map<Address, uint64_t> returns_;   // when an address in returned_ came
    uint64_t next_ = 0;
    Uint128 counts_[2] = {0, 0};
};

}  // namespace steelyard::ipam
