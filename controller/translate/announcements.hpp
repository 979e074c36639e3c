#pragma once
// How each virtual IP is announced: which pool names an address, which VirtualIPAdvertisement is in force there, and which nodes that one
// means. Worked out once for all Services, whenever a pool or an advertisement changed, or a node that one of them selects.
#include <map>
#include <string>
#include <vector>

#include "controller/ipam/pool.hpp"
#include "controller/loadbalancer/nodes.hpp"
#include "controller/loadbalancer/spec.hpp"
#include "controller/store/cluster_state.hpp"

namespace steelyard::translate {

struct Announcement {
    loadbalancer::AdvertisementSpec spec;
    loadbalancer::NodeChoice nodes;
    std::string name;  // of the advertisement; empty: the defaults
};

class Announcements {
public:
    Announcements() { all_.try_emplace(""); }

    void read(const store::ClusterState& state);  // all of it anew
    // Nothing but Nodes changed since. Is any announcement another one now?
    bool read_nodes(const store::ClusterState& state);

    // Of the accepted pool that names the address, else of the oldest that is not accepted; of an address in no pool: the one for all
    // pools. The defaults, if there is none.
    const Announcement& of(const ipam::Address& address) const;

private:
    struct Row {
        ipam::Pool pool;
        std::string advertisement;  // a key of all_
    };
    std::map<std::string, Announcement> all_;  // by name
    std::vector<Row> rows_;                    // accepted pools first, then by age
    std::string elsewhere_;                    // a key of all_
};

}  // namespace steelyard::translate
