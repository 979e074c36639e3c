#pragma once
// How an upstream is balanced, checked and spoken to: what a Service's annotations and a LoadBalancingPolicy set
// (docs/policy.md), as it is pushed. Plain values; limits on every field are stated here and enforced by
// common/config/validate.hpp. Every field has a default with which it changes nothing.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace steelyard::config {

// "round-robin": one each in turn, weights ignored except 0. "weighted-round-robin" (the default): smooth, interleaved
// weights. "least-request": power of two choices on requests in flight, by weight. "least-connections": the same on open
// connections. "least-response-time": the same on response time times requests in flight. "ring-hash", "maglev":
// consistent hashing. "random": by weight.
enum class Algorithm : uint8_t {
    round_robin,
    weighted_round_robin,
    least_request,
    ring_hash,
    random,
    maglev,
    least_response_time,
    least_connections
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

// A host that becomes usable while others serve already takes its share by and by.
struct SlowStart {
    uint32_t window_ms = 30'000;  // 1 .. 3,600,000: from the first request to the whole share
    uint32_t min_percent = 10;    // of its weight, at the beginning; 1 .. 100

    friend bool operator==(const SlowStart&, const SlowStart&) = default;
};

// Which hosts are preferred for being near to the proxy, and when the others are asked after all.
struct Locality {
    enum class Mode : uint8_t { none, same_zone, same_node } mode = Mode::none;
    // A near host with this many of this proxy's requests in flight (for a host of average weight) is full: the request goes to
    // any host; 0: never. At most 1,000,000.
    uint32_t max_requests = 0;
    // While less than this share of the near hosts' weight is usable, the missing part of the requests goes elsewhere; 1 .. 100.
    uint32_t min_healthy_percent = 70;

    friend bool operator==(const Locality&, const Locality&) = default;
};

// The header that tells a host who is connecting (HAProxy's PROXY protocol), sent before anything else.
enum class ProxyProtocol : uint8_t { none, v1, v2 };

// In place of the process's own time-outs; 0 = those. 10 .. 86,400,000 ms each.
struct UpstreamTimeouts {
    uint32_t connect_ms = 0;      // one try to reach one host
    uint32_t response_ms = 0;     // http: from the request's last byte to the answer's head
    uint32_t idle_ms = 0;         // http: no byte of a body in either direction
    uint32_t tunnel_idle_ms = 0;  // no byte over a TCP or upgraded connection in either direction
    uint32_t udp_idle_ms = 0;     // no datagram of a session in either direction

    friend bool operator==(const UpstreamTimeouts&, const UpstreamTimeouts&) = default;
};

// One change to a message's header fields; done in their order.
struct HeaderEdit {
    enum class Kind : uint8_t { set, add, remove } kind = Kind::set;  // set: in place of every field of this name
    std::string name;                                                 // a token, in the case in which it is written
    std::string value;  // field content, up to kMaxHeaderValue; "" of remove

    friend bool operator==(const HeaderEdit&, const HeaderEdit&) = default;
};

// "/api" matches "/api" and what is below "/api/". What follows it is appended to the replacement.
struct PathRewrite {
    std::string prefix = "/";
    std::string replacement = "/";

    friend bool operator==(const PathRewrite&, const PathRewrite&) = default;
};

// Every request is answered with this; what is empty or 0 is as the request has it.
struct Redirect {
    std::string scheme;     // "http", "https" or ""
    std::string host;       // without port
    uint16_t port = 0;      // 0: none is named when a scheme or host is, else the request's
    uint16_t status = 301;  // 301, 302, 303, 307, 308

    friend bool operator==(const Redirect&, const Redirect&) = default;
};

enum class Coding : uint8_t { gzip, brotli, zstd };

// Answers are compressed for clients that take one of the codings.
struct Compression {
    std::vector<Coding> codings = {Coding::zstd, Coding::brotli, Coding::gzip};  // the best first; each once, 1 .. 3
    uint32_t min_bytes = 1024;  // of a body whose length is known; 0 .. 1,073,741,824
    std::vector<std::string>
        types;  // media types without parameters, lower case, "text/*" too; at most 64; none: a default list

    friend bool operator==(const Compression&, const Compression&) = default;
};

// Answers that may be kept for others (RFC 9111) are. Bytes, for the whole process.
struct Cache {
    uint64_t max_bytes = 16ULL << 20;          // 65,536 .. 17,179,869,184
    uint64_t max_object_bytes = 256ULL << 10;  // of one answer, head and body; 1,024 .. max_bytes

    friend bool operator==(const Cache&, const Cache&) = default;
};

// Of upstreams whose protocol is http; without meaning for others.
struct HttpPolicy {
    std::string host;  // what hosts are sent as Host; "": what the client sent
    std::optional<PathRewrite> path;
    std::optional<Redirect> redirect;
    std::vector<HeaderEdit> request_headers;   // at most kMaxHeaderEdits
    std::vector<HeaderEdit> response_headers;  // the same; also of answers of the proxy's own
    std::optional<Compression> compression;
    std::optional<Cache> cache;

    friend bool operator==(const HttpPolicy&, const HttpPolicy&) = default;
};

constexpr size_t kMaxHeaderEdits = 32;
constexpr size_t kMaxHeaderValue = 1024;
constexpr size_t kMaxCompressedTypes = 64;
constexpr size_t kMaxHeaderEditBytes = 4096;  // of one direction's lines

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
    std::optional<SlowStart> slow_start;
    Locality locality;
    ProxyProtocol proxy_protocol = ProxyProtocol::none;
    UpstreamTimeouts timeouts;
    HttpPolicy http;

    friend bool operator==(const Policy&, const Policy&) = default;
};

// The names used on the wire and in annotations.
std::string_view to_string(Algorithm value);
std::string_view to_string(HashKey::Source value);
std::string_view to_string(HealthCheck::Type value);
std::string_view to_string(Locality::Mode value);
std::string_view to_string(ProxyProtocol value);
std::string_view to_string(HeaderEdit::Kind value);
std::string_view to_string(Coding value);
std::optional<Algorithm> parse_algorithm(std::string_view text);
std::optional<HashKey::Source> parse_hash_source(std::string_view text);
std::optional<HealthCheck::Type> parse_health_check_type(std::string_view text);
std::optional<Locality::Mode> parse_locality_mode(std::string_view text);
std::optional<ProxyProtocol> parse_proxy_protocol(std::string_view text);
std::optional<HeaderEdit::Kind> parse_header_edit_kind(std::string_view text);
std::optional<Coding> parse_coding(std::string_view text);

}  // namespace steelyard::config
