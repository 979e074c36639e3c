#pragma once
// How each virtual IP is announced: which pool names an address, and which VirtualIPAdvertisement is in force there. Worked out once
// for all Services, whenever a pool or an advertisement changed.
#include <optional>
#include <vector>

#include "controller/ipam/pool.hpp"
#include "controller/loadbalancer/spec.hpp"
#include "controller/store/cluster_state.hpp"

namespace steelyard::translate {

class Announcements {
public:
    void read(const store::ClusterState& state);  // all of it anew

    // Of the accepted pool that names the address, else of the oldest that is not accepted; of an address in no pool: the one for all
    // pools. The defaults, if there is none.
    const loadbalancer::AdvertisementSpec& of(const ipam::Address& address) const;

private:
    struct Row {
        ipam::Pool pool;
        loadbalancer::AdvertisementSpec spec;
    };
    std::vector<Row> rows_;  // accepted pools first, then by age
    loadbalancer::AdvertisementSpec elsewhere_;
};

}  // namespace steelyard::translate
