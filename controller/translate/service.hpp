#pragma once
// A Service to upstreams: one for each of its TCP and UDP ports, with the policy that is in force there (policies.hpp); and to what
// its virtual IPs need (virtual_ip.hpp). Pure.
//
// Protocol: appProtocol if it is set, else the port's name up to the first '-' ("http-web"), as Istio reads it. "http" and
// "kubernetes.io/ws" are balanced as HTTP/1.1; everything else, and no hint at all, as TCP: https, tls, grpc and h2c carry what the
// HTTP/1.1 side of the proxy does not speak, and TCP is right for any of them. Of a UDP port neither is asked.
// Headless Services and those without a selector are as others. ExternalName is refused: it names no endpoints.
// Sources: core/v1 Service; KEP-3726 (standard application protocols).
#include <cstdint>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "controller/kube/objects.hpp"
#include "controller/translate/output.hpp"
#include "controller/translate/view.hpp"

namespace steelyard::translate {

// A port that becomes an upstream.
struct Port {
    std::string name;      // as EndpointSlices call it; empty for the unnamed one
    std::string upstream;  // "shop/web:http", "shop/web:80" for the unnamed one
    config::Protocol protocol = config::Protocol::tcp;
    std::vector<std::string> aliases;
    uint16_t number = 0;
};

// The ports that can be served, in the Service's order. What cannot is said to `out`, if there is one.
std::vector<Port> usable_ports(const kube::Service& service, Output* out);

// Where the Service is reached: its ClusterIPs in canonical form. What is none is said to `out` and left out; a headless Service
// and one without an address yet have none.
std::vector<std::string> read_cluster_ips(const kube::Service& service, Output& out);

void translate_service(const kube::ObjectKey& key, const Options& options, View& view, Output& out);

}  // namespace steelyard::translate
