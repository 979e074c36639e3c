#pragma once
// The resources that the controller pushes and a proxy runs on: listeners, upstreams, endpoints. Plain values, no Kubernetes,
// no I/O; limits on every field are stated here and enforced by common/config/validate.hpp at every door they come in by.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace steelyard::config {

enum class Protocol : uint8_t { tcp, http };

// "round-robin": one each in turn, weights ignored except 0. "weighted-round-robin" (the default): smooth, interleaved
// weights. "least-request": power of two choices on requests in flight, by weight. "least-response-time": the same on
// response time times requests in flight. "ring-hash", "maglev": consistent hashing. "random": by weight.
enum class Algorithm : uint8_t {
    round_robin,
    weighted_round_robin,
    least_request,
    ring_hash,
    random,
    maglev,
    least_response_time
};

// Whether a host is picked by the hash of a key.
constexpr bool is_hashing(Algorithm value) { return value == Algorithm::ring_hash || value == Algorithm::maglev; }

// What ring-hash and maglev hash: the client's address, or what a request carries under a name. Absent or empty, as on a
// connection that is not HTTP: the client's address.
struct HashKey {
    enum class Source : uint8_t { client_ip, header, cookie, query } source = Source::client_ip;
    std::string name;  // of the header (lower case), cookie or query parameter; see is_hash_name() in validate.hpp

    friend bool operator==(const HashKey&, const HashKey&) = default;
};

struct StatusRange {
    uint16_t first = 200;
    uint16_t last = 399;  // inclusive

    friend bool operator==(const StatusRange&, const StatusRange&) = default;
};

// Active health check. Times in milliseconds.
struct HealthCheck {
    enum class Type : uint8_t { tcp, http } type = Type::tcp;
    uint32_t interval_ms = 5000;  // 100 .. 3,600,000
    uint32_t timeout_ms =
        1000;           // 10 .. interval_ms is not required: a probe that outlives the interval delays the next
    uint32_t rise = 2;  // successes in a row to be up again, 1 .. 100
    uint32_t fall = 3;  // failures in a row to be down, 1 .. 100
    uint32_t jitter_percent = 10;                         // each interval is drawn from +-jitter, 0 .. 50
    std::string path = "/";                               // http: origin-form target
    std::string host;                                     // http: Host header; empty = the endpoint's address
    std::vector<StatusRange> expected = {StatusRange{}};  // http: 1 .. 16 ranges within 100 .. 599

    friend bool operator==(const HealthCheck&, const HealthCheck&) = default;
};

struct Policy {
    Algorithm algorithm = Algorithm::weighted_round_robin;
    uint32_t virtual_nodes = 150;  // ring-hash: points on the ring for a host of weight 1, 1 .. 1000
    uint32_t table_size = 65'537;  // maglev: entries, a prime, 251 .. 1,048,583; more when there are many hosts
    // ring-hash, maglev: no host gets more than this percentage of its share of what is in flight, 100 .. 1000; 0: no bound
    uint32_t load_factor_percent = 0;
    HashKey hash;
    std::optional<HealthCheck> health_check;
    uint32_t drain_timeout_ms =
        30000;  // how long what is in flight on a draining or removed endpoint may go on; 0 .. 86,400,000

    friend bool operator==(const Policy&, const Policy&) = default;
};

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

struct Endpoint {
    std::string address;  // IPv4 or IPv6 literal, without brackets
    uint16_t port = 0;    // 1 .. 65535
    uint32_t weight = 1;  // 0 .. kMaxWeight; 0 takes nothing new
    std::string zone;
    std::string node;
    EndpointState state = EndpointState::ready;

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

    friend bool operator==(const Listener&, const Listener&) = default;
};

using Resource = std::variant<Listener, Upstream, EndpointSlice>;

// The identity of a resource: what a removal names. kind is "listener", "upstream" or "endpoints"; `name` is the listener's or
// upstream's name; `slice` only for endpoints.
struct ResourceKey {
    std::string kind;
    std::string name;
    std::string slice;

    friend auto operator<=>(const ResourceKey&, const ResourceKey&) = default;
};

ResourceKey key_of(const Resource& resource);

// The names used on the wire and in annotations.
std::string_view to_string(Protocol value);
std::string_view to_string(Algorithm value);
std::string_view to_string(EndpointState value);
std::string_view to_string(HashKey::Source value);
std::string_view to_string(HealthCheck::Type value);
std::optional<Protocol> parse_protocol(std::string_view text);
std::optional<Algorithm> parse_algorithm(std::string_view text);
std::optional<EndpointState> parse_endpoint_state(std::string_view text);
std::optional<HashKey::Source> parse_hash_source(std::string_view text);
std::optional<HealthCheck::Type> parse_health_check_type(std::string_view text);

}  // namespace steelyard::config
