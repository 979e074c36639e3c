#pragma once
// What the Allocator knows: Services, pools, who uses which address. Inside of controller/ipam only.
#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "controller/ipam/free_space.hpp"
#include "controller/ipam/pool.hpp"
#include "controller/ipam/request.hpp"
#include "controller/ipam/router_table.hpp"

namespace steelyard::ipam {

struct Service {
    explicit Service(ServiceRequest asked);
    void read(ServiceRequest asked);  // all that follows from the request; not what is held

    ServiceRequest request;
    std::string key;
    std::vector<Family> wanted;  // in the Service's order
    bool all_required = true;    // each wanted family; else one of them will do
    std::array<std::optional<Address>, 2> requested;
    std::string invalid;  // what is wrong with the request itself

    std::vector<Address> addresses;  // in the order of `wanted` once placed; before that, what is claimed
    uint8_t router_id = 0;
    bool placed = false;  // State counts it as a user of its addresses and its router id

    Fault fault = Fault::none;
    std::string problem;  // without what happens now
    std::string queue;    // of those that wait; empty: it does not
    Allocation told;
    bool is_told = false;

    std::optional<Address> has(Family family) const;
    const std::optional<Address>& asks(Family family) const { return requested.at(static_cast<size_t>(family)); }
};

// An address in use. All users have the namespace, the key, the policy, the advertisement and the router id in common.
struct AddressUse {
    ServiceSet users;
    std::map<PortUse, const Service*> ports;  // only with a sharing key
    std::string advertisement;
    uint8_t router_id = 0;
};

struct PoolState {
    Pool pool;
    FreeSpace free;
    FamilyCounts families;  // not 0: it has addresses of the family
};

struct Refusal {
    Fault fault = Fault::none;
    std::string problem;
};

class State {
public:
    void set_pools(std::vector<PoolSpec> specs);
    const std::vector<PoolState>& pools() const { return pools_; }
    bool has_selectors() const { return has_selectors_; }  // of some pool: labels matter
    PoolState* accepted_pool_of(const Address& address);
    // The accepted one, or else the oldest refused one that names it.
    const PoolState* pool_of(const Address& address);
    const PoolState* pool_named(const std::string& name) const;

    const AddressUse* use_of(const Address& address) const;
    // Why the Service cannot be one more user; nullopt: it can.
    std::optional<Refusal> refusal(const Service& service, const Address& address, const AddressUse& use,
                                   const std::string& advertisement) const;
    // Addresses that Services of the namespace have under the sharing key; nullptr: none.
    const std::vector<Address>* shared_by(const std::string& ns, const std::string& key) const;
    size_t count_used(const Pool& pool) const;

    // Of these addresses those that nobody uses yet.
    FamilyCounts unused_of(const std::vector<Address>& addresses) const;
    RouterTable& routers() { return routers_; }

    void place(Service& service, std::vector<Address> addresses, uint8_t router_id);
    // Takes the Service out; it goes on claiming what it had. Addresses that nobody uses then stay taken until vacate().
    void lift(Service& service);
    void vacate(const Address& address);  // free again, unless somebody uses it

private:
    std::vector<PoolState> pools_;
    std::map<Address, std::pair<Address, size_t>> accepted_;  // first -> last, index in pools_
    bool has_selectors_ = false;
    std::map<Address, AddressUse> used_;
    std::map<std::pair<std::string, std::string>, std::vector<Address>> shared_;  // sorted
    RouterTable routers_;
};

}  // namespace steelyard::ipam
