#pragma once
// What a Service asks of the Allocator, and what it gets. Plain values.
#include <compare>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/ipam/address.hpp"
#include "controller/ipam/pool.hpp"

namespace steelyard::ipam {

enum class FamilyPolicy : uint8_t { single_stack, prefer_dual_stack, require_dual_stack };

struct PortUse {
    std::string protocol = "TCP";
    int64_t port = 0;

    std::string to_string() const { return std::to_string(port) + "/" + protocol; }
    friend auto operator<=>(const PortUse&, const PortUse&) = default;
};

// A Service of our class and of type LoadBalancer that is not being deleted.
struct ServiceRequest {
    std::string ns;
    std::string name;
    std::string created;  // RFC 3339, UTC
    Labels labels;
    std::vector<Family> families;  // spec.ipFamilies; empty: IPv4 (both families under a dual-stack policy)
    FamilyPolicy policy = FamilyPolicy::single_stack;
    std::vector<std::string> requested;                          // addresses, at most one a family; empty: any
    std::string requested_by = "steelyard.dev/loadBalancerIPs";  // the field they come from, for messages
    std::string pool;                                            // only of this one; empty: any
    std::string sharing_key;                                     // empty: shares with nobody
    std::vector<PortUse> ports;
    bool local = false;  // externalTrafficPolicy: Local
    // What the Service's status and annotation say it has. Looked at when the Allocator first hears of the Service, never
    // again: from then on it knows better than a watch that lags.
    std::vector<std::string> held;
    int64_t held_router_id = 0;  // 0: none

    std::string key() const { return ns + "/" + name; }
    friend bool operator==(const ServiceRequest&, const ServiceRequest&) = default;
};

enum class Fault : uint8_t {
    none,
    invalid_request,  // not an address, two of one family, a family that the Service has not
    unknown_pool,
    pool_refused,   // Invalid or Overlap
    outside_pools,  // the requested address is in no pool (or not in the one that is asked for)
    not_admitted,   // the pool is for other namespaces or Services
    taken,          // by NAMESPACE/NAME, and sharing is not asked for
    not_shareable,  // asked for, and why not
    no_family,      // no pool that the Service may use has addresses of the family
    exhausted,
    no_router_id,
};

const char* to_string(Fault fault);  // "exhausted", for logs and metrics

// `addresses` are in the order of the Service's families. Both can be: addresses are held, and a problem says why they are not those
// that are asked for now.
struct Allocation {
    std::string key;  // NAMESPACE/NAME
    std::vector<Address> addresses;
    uint8_t router_id = 0;  // 0: no address
    Fault fault = Fault::none;
    std::string problem;  // where, what, what now; empty: it has what it must have

    friend bool operator==(const Allocation&, const Allocation&) = default;
};

struct PoolStatus {
    std::string name;
    bool accepted = false;
    std::string reason;
    std::string message;
    int64_t total = 0;
    int64_t assigned = 0;
    int64_t available = 0;  // 0 of a refused pool

    friend bool operator==(const PoolStatus&, const PoolStatus&) = default;
};

}  // namespace steelyard::ipam
