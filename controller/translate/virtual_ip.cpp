#include "controller/translate/virtual_ip.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "common/config/problems.hpp"
#include "common/config/validate.hpp"
#include "common/net/cidr.hpp"
#include "controller/ipam/address.hpp"
#include "controller/loadbalancer/advertisements.hpp"

namespace steelyard::translate {
namespace {

constexpr std::string_view kListenerProtocol = "steelyard.dev/listener-protocol";

std::string quoted(const std::string& text) { return "'" + config::shown(text) + "'"; }

std::vector<ipam::Address> read_addresses(const kube::Service& service, Output& out) {
    std::vector<ipam::Address> addresses;
    const std::string where = "status.loadBalancer.ingress";
    for (const std::string& text : loadbalancer::addresses_of(service)) {
        const Result<ipam::Address> address = ipam::parse_address(text);
        if (!address) {
            out.refuse("InvalidAddress", where, address.error().problem + "; it is not announced");
        } else if (addresses.size() == config::kMaxVirtualIpAddresses) {
            out.refuse("TooManyAddresses", where,
                       "more than " + std::to_string(config::kMaxVirtualIpAddresses) + " addresses; " + quoted(text) +
                           " is not announced");
        } else if (std::ranges::count(addresses, *address) == 0) {
            addresses.push_back(*address);
        }
    }
    return addresses;
}

// Who may connect; nullopt: nobody, as none of the ranges can be read.
std::optional<std::vector<std::string>> read_source_ranges(const kube::Service& service, Output& out) {
    const std::vector<std::string>& texts = service.balancer->source_ranges;
    std::vector<std::string> ranges;
    for (size_t i = 0; i < texts.size(); ++i) {
        const std::string where = "spec.loadBalancerSourceRanges[" + std::to_string(i) + "]";
        const size_t first = std::min(texts[i].find_first_not_of(' '), texts[i].size());
        const std::string text = texts[i].substr(first, texts[i].find_last_not_of(' ') + 1 - first);
        const Result<net::Cidr> range = net::parse_cidr(text, net::BeyondPrefix::cleared);
        if (!range) {
            out.refuse("InvalidSourceRange", where,
                       quoted(text) + " " + range.error().problem + "; nobody is let in by it");
        } else if (ranges.size() == config::kMaxSourceRanges) {
            out.refuse("TooManySourceRanges", where,
                       "more than " + std::to_string(config::kMaxSourceRanges) + "; nobody is let in by it");
        } else if (std::string canonical = net::to_string(*range); std::ranges::count(ranges, canonical) == 0) {
            ranges.push_back(std::move(canonical));
        }
    }
    if (ranges.empty() && !texts.empty()) return std::nullopt;
    std::sort(ranges.begin(), ranges.end());
    return ranges;
}

// What the annotation says of all TCP ports; nullopt: nothing.
std::optional<config::Protocol> read_listener_protocol(const kube::Service& service, Output& out) {
    const auto annotation = service.meta.annotations.find(kListenerProtocol);
    if (annotation == service.meta.annotations.end()) return std::nullopt;
    if (annotation->second == "http") return config::Protocol::http;
    if (annotation->second == "tcp") return config::Protocol::tcp;
    out.refuse("InvalidAnnotation", "annotation " + std::string(kListenerProtocol),
               quoted(annotation->second) + " is neither http nor tcp; each port's appProtocol is in force");
    return std::nullopt;
}

config::Protocol protocol_of(const kube::Service& service, const Port& port, std::optional<config::Protocol> said) {
    if (port.protocol == config::Protocol::udp) return config::Protocol::udp;
    if (said) return *said;
    const bool is_http = std::ranges::any_of(service.ports, [&](const kube::ServicePort& one) {
        return one.name == port.name && one.port == port.number &&
               (one.app_protocol == "http" || one.app_protocol == "kubernetes.io/ws");
    });
    return is_http ? config::Protocol::http : config::Protocol::tcp;
}

config::VirtualIp virtual_ip_of(const Announcement& announcement, Output& out) {
    const loadbalancer::AdvertisementSpec& spec = announcement.spec;
    config::VirtualIp ip;
    ip.interfaces = spec.interfaces;
    ip.nodes = announcement.nodes.names;
    ip.advertisement_interval_ms = spec.advertisement_interval_ms;
    ip.preempt_delay_ms = spec.preempt_delay_ms;
    ip.preempt = spec.preempt;
    ip.accept = spec.accept;
    if (spec.by_lease) ip.lease_duration_ms = spec.lease_duration_ms;
    for (const std::string& text : spec.peers) {
        const std::optional<net::IpBytes> peer = net::parse_ip(text);
        if (peer && config::is_host_address(net::to_string(*peer))) {
            ip.peers.push_back(net::to_string(*peer));
        } else {
            out.refuse("InvalidAddress", "VirtualIPAdvertisement: spec.vrrp.unicastPeers",
                       quoted(text) + " is not the address of a host; it is left out");
        }
    }
    return ip;
}

void add_listeners(const kube::Service& service, const std::vector<Port>& ports,
                   const std::vector<std::string>& addresses, const Options& options, Output& out) {
    const std::optional<std::vector<std::string>> ranges = read_source_ranges(service, out);
    const std::optional<config::Protocol> said = read_listener_protocol(service, out);
    if (!ranges) return;
    const bool local = service.balancer->external_traffic_policy == "Local";
    for (const Port& port : ports) {
        config::Listener listener;
        listener.port = port.number;
        listener.protocol = protocol_of(service, port, said);
        listener.upstream = port.upstream;
        listener.source_ranges = *ranges;
        listener.local_only = local;
        listener.transparent = local && options.edge_transparent;
        const char* transport = port.protocol == config::Protocol::udp ? "/udp@" : "/tcp@";
        for (const std::string& address : addresses) {
            listener.name = "vip/" + port.upstream + transport + address;
            listener.address = address;
            if (config::is_name(listener.name)) {
                out.add(listener);
            } else {
                out.refuse("InvalidName", "spec.ports[" + port.name + "]",
                           "'" + listener.name + "' is too long a name for a listener (" +
                               std::to_string(config::kMaxNameBytes) + " bytes); the port is not served there");
            }
        }
    }
}

}  // namespace

void translate_virtual_ip(const kube::Service& service, const std::vector<Port>& ports, const Options& options,
                          View& view, Output& out) {
    if (!loadbalancer::is_ours(service, true)) return;
    const uint8_t router_id = loadbalancer::router_id_of(service);
    if (router_id == 0 && service.balancer->load_balancer_class != kube::kVipClass) return;
    const std::vector<ipam::Address> addresses = read_addresses(service, out);
    if (addresses.empty()) return;
    if (router_id == 0) {
        out.refuse("InvalidAnnotation", "annotation " + std::string(kube::kRouterIdAnnotation),
                   "is missing or not a number from 1 to 255, and the Service has addresses; they are not announced");
        return;
    }
    const Announcement& announcement = view.announcement_of(addresses.front());
    config::VirtualIp ip = virtual_ip_of(announcement, out);
    ip.name = service.meta.key().to_string();
    ip.router_id = router_id;
    for (const ipam::Address& address : addresses) ip.addresses.push_back(address.to_string());
    if (service.balancer->external_traffic_policy == "Local") {
        for (const Port& port : ports) ip.local_upstreams.push_back(port.upstream);
    }
    add_listeners(service, ports, ip.addresses, options, out);
    if (ip.lease_duration_ms != 0 && !options.leases) {
        return out.refuse("NoLeases", "VirtualIPAdvertisement " + announcement.name + ": spec.election",
                          "Lease needs an API server, and there is none; the addresses are not announced");
    }
    if (!config::is_name(ip.name)) {
        return out.refuse("InvalidName", "metadata",
                          quoted(ip.name) + " is not fit for a name of a virtual IP; its addresses are not announced");
    }
    if (!announcement.nodes.none()) return out.add(std::move(ip));
    // One without names would be everybody's.
    out.refuse(loadbalancer::reason_of(announcement.nodes.fault),
               "VirtualIPAdvertisement " + announcement.name + ": spec.nodeSelector",
               loadbalancer::problem_of(announcement.nodes));
}

}  // namespace steelyard::translate
