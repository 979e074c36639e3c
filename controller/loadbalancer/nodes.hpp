#pragma once
// Which nodes may have the addresses of an advertisement: those that it names, those that its nodeSelector matches; with both, those that
// are in both. Pure.
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "controller/loadbalancer/spec.hpp"
#include "controller/store/cluster_state.hpp"

namespace steelyard::loadbalancer {

struct NodeChoice {
    enum class Fault : uint8_t {
        none,
        unknown,   // there is a selector, and the Nodes have not been listed
        nobody,    // no node matches
        too_many,  // more than config::kMaxVirtualIpNodes: the first of them by name are chosen
    };
    Fault fault = Fault::none;
    std::vector<std::string> names;  // empty without a fault: every node
    size_t matching = 0;             // by the selector, names that are left out included; 0 without one

    // Nobody may have the addresses: what an empty list of names does not say.
    bool none() const { return fault == Fault::unknown || fault == Fault::nobody; }
    friend bool operator==(const NodeChoice&, const NodeChoice&) = default;
};

NodeChoice choose_nodes(const AdvertisementSpec& spec, const store::ClusterState& state);

const char* reason_of(NodeChoice::Fault fault);  // "NoNodes": of a condition, an event; empty with none
// What is wrong and what is in force now; empty with none.
std::string problem_of(const NodeChoice& choice);

}  // namespace steelyard::loadbalancer
