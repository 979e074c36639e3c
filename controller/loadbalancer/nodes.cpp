#include "controller/loadbalancer/nodes.hpp"

#include <algorithm>

#include "common/config/model.hpp"
#include "common/config/validate.hpp"
#include "controller/loadbalancer/pools.hpp"

namespace steelyard::loadbalancer {

NodeChoice choose_nodes(const AdvertisementSpec& spec, const store::ClusterState& state) {
    NodeChoice choice;
    const auto selector = selector_of(spec.node_selector);
    if (!selector) {
        choice.names = spec.nodes;
        return choice;
    }
    if (!state.synced(store::Kind::node)) {
        choice.fault = NodeChoice::Fault::unknown;
        return choice;
    }
    std::vector<std::string> named = spec.nodes;
    std::sort(named.begin(), named.end());
    for (const kube::Node* node : state.nodes()) {
        const std::string& name = node->meta.name;
        if (!named.empty() && !std::binary_search(named.begin(), named.end(), name)) continue;
        if (!ipam::matches(*selector, node->labels)) continue;
        if (!config::is_name(name)) continue;  // no API server has one such, and no edge has such a name
        ++choice.matching;
        if (choice.names.size() < config::kMaxVirtualIpNodes) choice.names.push_back(name);
    }
    if (choice.matching == 0) choice.fault = NodeChoice::Fault::nobody;
    if (choice.matching > choice.names.size()) choice.fault = NodeChoice::Fault::too_many;
    return choice;
}

const char* reason_of(NodeChoice::Fault fault) {
    switch (fault) {
        case NodeChoice::Fault::none:
            return "";
        case NodeChoice::Fault::unknown:
            return "NodesUnknown";
        case NodeChoice::Fault::nobody:
            return "NoNodes";
        case NodeChoice::Fault::too_many:
            return "TooManyNodes";
    }
    return "";
}

std::string problem_of(const NodeChoice& choice) {
    switch (choice.fault) {
        case NodeChoice::Fault::none:
            return {};
        case NodeChoice::Fault::unknown:
            return "the nodes are not known: the controller needs --watch-nodes and the right to list and watch nodes; "
                   "until then no node holds the addresses";
        case NodeChoice::Fault::nobody:
            return "no node matches; no node holds the addresses";
        case NodeChoice::Fault::too_many:
            return std::to_string(choice.matching) + " nodes match; only the first " +
                   std::to_string(choice.names.size()) + " by name may hold the addresses";
    }
    return {};
}

}  // namespace steelyard::loadbalancer
