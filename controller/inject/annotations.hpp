#pragma once
// A pod's annotations as the injector reads them. Pure and strict: one bad item makes the whole annotation bad, because a proxy that
// does half of what was asked is worse than a pod that says what is wrong. An error's `where` is "annotation NAME"; its problem names
// the item and its fault.
//   steelyard.dev/upstreams      PORT[/udp]=SERVICE[.NAMESPACE]:PORT, ...  local ports and where they lead; the namespace is the pod's own
//                                where none is given; the Service's port is a number or a name
//   steelyard.dev/exclude-ports  PORT or FIRST-LAST, ...             destination ports that capture leaves alone
//   steelyard.dev/exclude-cidrs  NETWORK/LENGTH, ...                 destinations that capture leaves alone
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/inject/syntax.hpp"

namespace steelyard::inject {

constexpr std::string_view kUpstreamsAnnotation = "steelyard.dev/upstreams";
constexpr std::string_view kExcludePortsAnnotation = "steelyard.dev/exclude-ports";
constexpr std::string_view kExcludeCidrsAnnotation = "steelyard.dev/exclude-cidrs";
constexpr std::string_view kStatusAnnotation = "steelyard.dev/status";

constexpr uint16_t kAdminPort = 9901;     // the sidecar's, on loopback
constexpr uint16_t kMetricsPort = 9902;   // the sidecar's, for the kubelet and Prometheus
constexpr uint16_t kCapturePort = 15001;  // the sidecar's, on loopback
constexpr size_t kMaxItems = 64;          // of one annotation

struct DeclaredUpstream {
    uint16_t listen = 0;  // on 127.0.0.1 of the pod
    std::string service, ns, port;
    bool udp = false;

    std::string flag() const;  // "8080=web.shop:80" or "5353/udp=dns.shop:dns", as --upstream takes it
};

// At least one; listening ports of TCP and those of UDP differ among themselves, and none is one of the sidecar's own.
Result<std::vector<DeclaredUpstream>> parse_upstreams(std::string_view text, std::string_view pod_namespace);
// In canonical form, in their order, without repetitions; at least one.
Result<std::vector<std::string>> parse_exclude_ports(std::string_view text);
Result<std::vector<std::string>> parse_exclude_cidrs(std::string_view text);

}  // namespace steelyard::inject
