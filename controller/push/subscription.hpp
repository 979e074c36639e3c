#pragma once
// What a proxy gets: upstreams (with their endpoints) by name or alias, or everything, as far as its namespace is
// entitled to them; listeners and virtual IPs go to the role edge.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/push/message.hpp"

namespace steelyard::push {

struct Subscription {
    uint64_t hash = 0;  // of the rest: first, so that comparing different ones is cheap
    Role role = Role::sidecar;
    bool everything = false;
    bool knows_virtual_ips = false;  // else it would refuse them, and serve whom a listener does not want served
    bool knows_leases = false;       // else it would hold by VRRP what others hold by a Lease
    std::vector<std::string> names;  // sorted, unique

    std::string ns;  // gets its upstreams and those exported to it; "" = those of every namespace

    static Subscription of(const Hello& hello, std::string entitled_namespace = {});
    // Is this the name of an upstream that it is entitled to whoever says what?
    bool owns(std::string_view upstream) const;
    // By this very name; aliases are the cache's to know.
    bool wants(std::string_view name) const;
    friend bool operator==(const Subscription&, const Subscription&) = default;
};

}  // namespace steelyard::push
