#pragma once
// Which Service has which virtual IPs and which VRRP router id. Pure: no I/O, no clock. One thread.
//
// Changes are told with upsert(), remove() and set_pools(); settle() takes all of them into account at once and says what became
// of whom. Promises:
//   - An address has one owner, or several that share it: one namespace, one sharing key, disjoint ports, one
//     externalTrafficPolicy; then one router id, too.
//   - An address that is held and still valid is kept: by pools, families, sharing. A Service that asks for another keeps the one it
//     has until it can have the other. After a restart, a new Allocator that gets all pools and all Services before its first
//     settle() gives each what it held, whatever the order they come in. (It has to get all of them: see below.)
//   - Order: who holds, keeps; then who asks for an address; then the others; each by creation, then by namespace/name.
//   - Whoever got nothing, or less than asked for, is tried again when anything changes.
//   - An automatic choice takes pools that are restricted to some namespaces or Services first, then the older one; of a pool the
//     lowest address that is free, but none of the last kRemembered that were given back while there are others.
//   - A router id is a Service's own as long as there are enough in the advertisement's range; then those of externalTrafficPolicy
//     Cluster and the same advertisement share the one with the fewest. kMaxAddressesPerRouter bounds what one id carries.
// Costs: settle() is O(log n) a changed Service, and one attempt for each kind of Service that waits; memory is that of the Services,
// never that of the pools' size. set_pools() with a change makes the next settle() look at everything.
#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

#include "controller/ipam/pool.hpp"
#include "controller/ipam/request.hpp"

namespace steelyard::ipam {

constexpr size_t kMaxAddressesPerRouter = 64;  // of one family: what one VRRP advertisement has room for
constexpr size_t kRemembered = 4096;           // addresses given back that a pool avoids

class Allocator {
public:
    Allocator();
    ~Allocator();
    Allocator(const Allocator&) = delete;
    Allocator& operator=(const Allocator&) = delete;

    // Replaces all pools. Addresses that are in no pool any more are taken from whoever has them at the next settle(): so do not
    // call settle() before the pools were listed.
    void set_pools(std::vector<PoolSpec> pools);
    void upsert(ServiceRequest request);
    void remove(std::string_view key);  // NAMESPACE/NAME; unknown: nothing

    // Those whose allocation is not what it was when last told, by key; Services that are new are always among them. Removed ones
    // are not told.
    std::vector<Allocation> settle();

    const Allocation* find(std::string_view key) const;  // as of the last settle(); nullptr: unknown
    std::vector<PoolStatus> pools() const;               // by name

private:
    struct Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::ipam
