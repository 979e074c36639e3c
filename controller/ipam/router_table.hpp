#pragma once
// Who uses which VRRP router id. An id that several share is one router to the network: one election for all their addresses.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>

#include "controller/ipam/address.hpp"
#include "controller/ipam/pool.hpp"

namespace steelyard::ipam {

struct Service;

struct ByAge {
    bool operator()(const Service* a, const Service* b) const;  // creation, then NAMESPACE/NAME
};
using ServiceSet = std::set<Service*, ByAge>;

// How many addresses, by family.
struct FamilyCounts {
    std::array<size_t, 2> of{};

    size_t& operator[](Family family) { return of.at(static_cast<size_t>(family)); }
    size_t operator[](Family family) const { return of.at(static_cast<size_t>(family)); }
};

class RouterTable {
public:
    struct Router {
        ServiceSet users;
        size_t locals = 0;  // users of externalTrafficPolicy Local
        std::string advertisement;
        FamilyCounts addresses;
    };

    // Whether one more user may come with `added` addresses that the id does not carry yet. `shares`: it has an address in common
    // with a user; else an id in use is only for the Cluster policy and for those of one advertisement.
    bool admits(uint8_t id, const std::string& advertisement, bool local, bool shares, const FamilyCounts& added) const;
    // The lowest unused id of the range; else, of those that admit it, the one with the fewest users.
    std::optional<uint8_t> choose(const RouterIds& ids, bool local, const FamilyCounts& added) const;

    Router& at(uint8_t id) { return routers_.at(id); }

private:
    std::array<Router, 256> routers_;
};

}  // namespace steelyard::ipam
