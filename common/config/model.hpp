#pragma once
// The resources that the controller pushes and a proxy runs on: listeners, upstreams, endpoints. Plain values, no Kubernetes,
// no I/O; limits on every field are stated here and enforced by common/config/validate.hpp at every door they come in by.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/policy.hpp"

namespace steelyard::config {

// Of UDP, an upstream has no health check, and captured traffic does not come to it (docs/udp.md).
enum class Protocol : uint8_t { tcp, http, udp };

// One port of one Service. `name` is "namespace/service:port" with the port's name, or its number when it has none.
struct Upstream {
    std::string name;
    Protocol protocol = Protocol::tcp;
    Policy policy;
    // Other names it answers to ("shop/web:80" for a port that has a name), at most kMaxAliases, kept sorted. A name that is
    // one upstream's own and another's alias means the former.
    std::vector<std::string> aliases = {};
    // Where the Service is reached in the cluster: IP literals in canonical form, at most kMaxClusterIps, each once, and the
    // Service's port there. On the wire "addresses" and "port". None: it has no ClusterIP, and `port` is 0.
    std::vector<std::string> cluster_ips = {};
    uint16_t port = 0;
    // Namespaces besides its own whose proxies may have it, sorted; just "*": all. Known to the controller only: never encoded,
    // and not read from a document.
    std::vector<std::string> export_to = {};

    friend bool operator==(const Upstream&, const Upstream&) = default;
};

enum class EndpointState : uint8_t { ready, draining };

constexpr size_t kMaxNameBytes = 253;  // of listeners, upstreams, slices, zones, nodes: visible ASCII
constexpr size_t kMaxAliases = 16;
constexpr size_t kMaxClusterIps = 8;
constexpr size_t kMaxExports = 256;
constexpr size_t kMaxListeners = 10'000;
constexpr uint32_t kMaxWeight = 1'000'000;
constexpr size_t kMaxEndpointsPerSlice = 1000;  // as the Kubernetes API has it
constexpr size_t kMaxEndpointsPerUpstream = 100'000;
constexpr uint8_t kMaxPriority = 15;
constexpr size_t kMaxSourceRanges = 256;
constexpr size_t kMaxVirtualIps = 10'000;
constexpr size_t kMaxVirtualIpAddresses = 8;
constexpr size_t kMaxVirtualIpInterfaces = 16;
constexpr size_t kMaxInterfaceBytes = 15;  // of a name or glob: visible ASCII without '/' (Linux: IFNAMSIZ - 1)
constexpr size_t kMaxVirtualIpNodes = 1000;
constexpr size_t kMaxVirtualIpUpstreams = 1000;
constexpr size_t kMaxVirtualIpPeers = 64;

struct Endpoint {
    std::string address;  // IPv4 or IPv6 literal, without brackets
    uint16_t port = 0;    // 1 .. 65535
    uint32_t weight = 1;  // 0 .. kMaxWeight; 0 takes nothing new
    std::string zone;
    std::string node;
    EndpointState state = EndpointState::ready;
    uint8_t priority =
        0;  // 0 .. kMaxPriority; one that is not 0 is a backup: used while nobody of a lower number is up

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
};

// A slice's worth of an upstream's endpoints; sharded as Kubernetes shards them.
struct EndpointSlice {
    std::string upstream;
    std::string slice;
    std::vector<Endpoint> endpoints;

    friend bool operator==(const EndpointSlice&, const EndpointSlice&) = default;
};

// Where a proxy accepts connections and what they lead to.
struct Listener {
    std::string name;
    std::string address = "127.0.0.1";
    uint16_t port = 0;  // 0 .. 65535; 0 = any free port (only from a flag or a file)
    Protocol protocol = Protocol::tcp;
    std::string upstream;
    std::vector<std::string> source_ranges =
        {};                    // who may connect: CIDRs in canonical form, at most kMaxSourceRanges; empty: everybody
    bool local_only = false;   // only endpoints on the proxy's own node are used
    bool transparent = false;  // endpoints see the client's address

    friend bool operator==(const Listener&, const Listener&) = default;
};

// A Service's virtual addresses and how the nodes of role edge agree on who holds them: by VRRPv3 (RFC 9568), or by a Lease that the
// controllers keep for them.
struct VirtualIp {
    std::string name;                          // "namespace/service"
    std::vector<std::string> addresses = {};   // 1 .. kMaxVirtualIpAddresses IP literals
    uint8_t router_id = 0;                     // VRRP's virtual router id, 1 .. 255
    std::vector<std::string> interfaces = {};  // names or globs with *; empty: the one whose subnet holds the address
    std::vector<std::string> nodes = {};       // who may hold them; empty: everybody
    std::vector<std::string> local_upstreams = {};  // not empty: only nodes with a ready endpoint of one of these
    uint32_t advertisement_interval_ms = 100;       // 10 .. 40'950, a multiple of 10
    uint32_t preempt_delay_ms = 0;                  // up to 3'600'000
    bool preempt = true;
    bool accept = true;
    std::vector<std::string> peers = {};  // IP literals to send to instead of the multicast group
    uint32_t lease_duration_ms = 0;       // 0: by VRRP; else by a Lease of so long, 1'000 .. 60'000

    friend bool operator==(const VirtualIp&, const VirtualIp&) = default;
};

using Resource = std::variant<Listener, Upstream, EndpointSlice, VirtualIp>;

// The identity of a resource: what a removal names. kind is "listener", "upstream", "endpoints" or "virtual_ip"; `name` is the
// listener's, upstream's or virtual IP's name; `slice` only for endpoints.
struct ResourceKey {
    std::string kind;
    std::string name;
    std::string slice;

    friend auto operator<=>(const ResourceKey&, const ResourceKey&) = default;
};

ResourceKey key_of(const Resource& resource);

// The names used on the wire and in annotations.
std::string_view to_string(Protocol value);
std::string_view to_string(EndpointState value);
std::optional<Protocol> parse_protocol(std::string_view text);
std::optional<EndpointState> parse_endpoint_state(std::string_view text);

}  // namespace steelyard::config
