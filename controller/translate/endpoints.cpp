#include "controller/translate/endpoints.hpp"

#include <algorithm>
#include <optional>

#include "common/config/problems.hpp"
#include "common/config/validate.hpp"
#include "controller/translate/address.hpp"
#include "controller/translate/remarks.hpp"
#include "controller/translate/service.hpp"

namespace steelyard::translate {
namespace {

using config::EndpointState;

std::string at(size_t index) { return "endpoints[" + std::to_string(index) + "]"; }

std::optional<EndpointState> state_of(const kube::SliceEndpoint& endpoint) {
    const bool ready = endpoint.ready.value_or(true);
    if (ready) return EndpointState::ready;
    if (endpoint.serving.value_or(ready) && endpoint.terminating.value_or(false)) return EndpointState::draining;
    return std::nullopt;
}

std::optional<Family> family_of(const kube::EndpointSlice& slice, Output& out) {
    if (slice.address_type == "IPv4") return Family::ipv4;
    if (slice.address_type == "IPv6") return Family::ipv6;
    out.refuse(
        "UnsupportedAddressType", "addressType",
        "'" + config::shown(slice.address_type) + "' is not balanced, only IPv4 and IPv6 are; the slice is left out");
    return std::nullopt;
}

kube::ObjectKey pod_of(const kube::SliceEndpoint& endpoint, const kube::ObjectKey& slice) {
    return {endpoint.pod_ns.empty() ? slice.ns : endpoint.pod_ns.str(), endpoint.pod_name};
}

uint32_t weight_of(const kube::ObjectKey& pod, View& view, Output& out) {
    if (pod.name.empty()) return 1;
    const std::optional<std::string_view> text = view.pod_weight(pod);
    if (!text) return 1;
    if (const auto weight = parse_weight(*text)) return *weight;
    out.refuse("InvalidWeight", "Pod " + pod.to_string() + ": annotation " + std::string(kube::kWeightAnnotation),
               "'" + config::shown(*text) + "' is not a whole number from 0 to " + std::to_string(config::kMaxWeight) +
                   "; weight 1 is in force");
    return 1;
}

uint8_t priority_of(const kube::ObjectKey& pod, View& view, Output& out) {
    if (pod.name.empty()) return 0;
    const std::optional<std::string_view> text = view.pod_priority(pod);
    if (!text) return 0;
    if (const auto priority = parse_priority(*text)) return *priority;
    out.refuse("InvalidPriority", "Pod " + pod.to_string() + ": annotation " + std::string(kube::kPriorityAnnotation),
               "'" + config::shown(*text) + "' is not a whole number from 0 to " +
                   std::to_string(config::kMaxPriority) + "; priority 0 is in force");
    return 0;
}

std::string name_or_none(const kube::SharedString& name, size_t index, const char* field, Output& out) {
    if (name.empty() || config::is_name(name)) return name.str();
    out.refuse("InvalidField", at(index) + field, "'" + config::shown(name) + "' is not a name; it is taken as absent");
    return {};
}

// How many of the slice's endpoints are read at all.
size_t within_limits(const kube::EndpointSlice& slice, View& view, Output& out) {
    const size_t all = slice.endpoints.size();
    const size_t count = std::min(all, config::kMaxEndpointsPerSlice);
    if (count < all) {
        out.refuse("TooManyEndpoints", "endpoints",
                   std::to_string(all) + " are more than a slice may have (" +
                       std::to_string(config::kMaxEndpointsPerSlice) + "); the first " + std::to_string(count) +
                       " are used");
    }
    const size_t room = view.room_for(service_of(slice), slice.meta.name);
    if (room < count) {
        out.refuse(
            "TooManyEndpoints", "endpoints",
            "with the slices before it the Service has more endpoints than an upstream may have; of the slice's " +
                std::to_string(count) + " the first " + std::to_string(room) + " are used");
    }
    return std::min(count, room);
}

// The endpoints in use, without their port.
std::vector<config::Endpoint> usable_endpoints(const kube::EndpointSlice& slice, Family family, const Options& options,
                                               View& view, Output& out) {
    std::vector<config::Endpoint> endpoints;
    const size_t count = within_limits(slice, view, out);
    endpoints.reserve(count);
    for (size_t i = 0; i < count; ++i) {
        const kube::SliceEndpoint& endpoint = slice.endpoints[i];
        const std::optional<EndpointState> state = state_of(endpoint);
        if (!state) continue;
        Result<std::string> address = backend_address(endpoint.address, family, options.allow_loopback);
        if (!address) {
            out.refuse(address.error().where.c_str(), at(i) + ".addresses[0]",
                       address.error().problem + "; the endpoint is left out");
            continue;
        }
        const kube::ObjectKey pod = pod_of(endpoint, slice.meta.key());
        endpoints.push_back({.address = std::move(*address),
                             .port = 0,
                             .weight = weight_of(pod, view, out),
                             .zone = name_or_none(endpoint.zone, i, ".zone", out),
                             .node = name_or_none(endpoint.node_name, i, ".nodeName", out),
                             .state = *state,
                             .priority = priority_of(pod, view, out)});
    }
    return endpoints;
}

const kube::SlicePort* find_port(const kube::EndpointSlice& slice, const Port& wanted) {
    const std::string_view protocol = wanted.protocol == config::Protocol::udp ? "UDP" : "TCP";
    const auto found = std::find_if(slice.ports.begin(), slice.ports.end(), [&](const kube::SlicePort& port) {
        return port.name == wanted.name &&
               (port.protocol.empty() ? "TCP" : std::string_view(port.protocol)) == protocol;
    });
    return found == slice.ports.end() ? nullptr : &*found;
}

// The number that a slice gives to a port; 0, and a reason, if it gives none.
uint16_t number_of(const kube::EndpointSlice& slice, const kube::SlicePort& port, Output& out) {
    const std::string where = "ports[" + std::to_string(&port - slice.ports.data()) + "].port";
    if (!port.port) {
        out.refuse("PortWithoutNumber", where,
                   "is absent, which gives nothing to connect to; the port has no endpoints here");
        return 0;
    }
    if (*port.port < 1 || *port.port > 65535) {
        out.refuse("InvalidPort", where,
                   std::to_string(*port.port) + " is not a port (1-65535); the port has no endpoints here");
        return 0;
    }
    return static_cast<uint16_t>(*port.port);
}

// "'http', 'dns' (UDP)"; at most a line's worth.
std::string names_of(const auto& ports) {
    std::string text;
    for (const auto& port : ports) {
        text += (text.empty() ? "'" : ", '") + config::shown(port.name) + "'";
        if constexpr (requires { port.app_protocol; }) {
            if (!port.protocol.empty() && port.protocol != "TCP") text += " (" + config::shown(port.protocol) + ")";
        } else if (port.protocol == config::Protocol::udp) {
            text += " (UDP)";
        }
    }
    return config::shown(text.empty() ? "none" : text);
}

struct Match {
    const Port* port;
    uint16_t number;
};

std::vector<Match> match_ports(const kube::EndpointSlice& slice, const std::vector<Port>& ports, Output& out) {
    std::vector<Match> matches;
    bool named = false;
    for (const Port& port : ports) {
        const kube::SlicePort* found = find_port(slice, port);
        if (found == nullptr) continue;
        named = true;
        if (const uint16_t number = number_of(slice, *found, out); number != 0) matches.push_back({&port, number});
    }
    if (!named && !ports.empty() && !slice.endpoints.empty()) {
        out.refuse("NoMatchingPort", "ports",
                   "names " + names_of(slice.ports) + ", but the Service has " + names_of(ports) +
                       "; its endpoints are not used");
    }
    return matches;
}

}  // namespace

kube::ObjectKey service_of(const kube::EndpointSlice& slice) { return {slice.meta.ns, slice.service_name}; }

void translate_slice(const kube::ObjectKey& key, const Options& options, View& view, Output& out) {
    const kube::EndpointSlice* slice = view.slice(key);
    if (slice == nullptr || slice->service_name.empty()) return;
    const kube::Service* service = view.service(service_of(*slice));
    if (service == nullptr) return;
    const std::vector<Port> ports = usable_ports(*service, nullptr);
    if (ports.empty()) return;
    for (const Error& problem : slice->problems) {
        out.refuse("InvalidField", problem.where, problem.problem + "; the field is taken as absent");
    }
    if (!config::is_name(key.name)) {
        out.refuse("InvalidName", "metadata.name",
                   "'" + config::shown(key.name) + "' is no name for a slice; it is left out");
        return;
    }
    const std::optional<Family> family = family_of(*slice, out);
    if (!family) return;
    const std::vector<Match> matches = match_ports(*slice, ports, out);
    if (matches.empty()) return;
    std::vector<config::Endpoint> endpoints = usable_endpoints(*slice, *family, options, view, out);
    for (size_t i = 0; i < matches.size(); ++i) {
        for (config::Endpoint& endpoint : endpoints) endpoint.port = matches[i].number;
        config::EndpointSlice made{matches[i].port->upstream, key.name, {}};
        if (i + 1 == matches.size()) {
            made.endpoints.swap(endpoints);  // the last one need not copy
        } else {
            made.endpoints = endpoints;
        }
        out.add(std::move(made));
    }
}

}  // namespace steelyard::translate
