#pragma once
// The messages of the push protocol (docs/push-protocol.md): hello, ack, nack, report go from proxy to controller;
// snapshot, delta, trust, refused, error from controller to proxy. Plain values with their limits; common/push/codec.hpp turns them
// into frames.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "common/config/model.hpp"
#include "common/result.hpp"

namespace steelyard::push {

constexpr int kProtocol = 1;
constexpr std::string_view kPath = "/push";  // the WebSocket's target

constexpr size_t kMaxFrameToProxy = 64u << 20;      // bytes, the default; configurable on both ends
constexpr size_t kMaxFrameToController = 1u << 20;  // bytes, the default
constexpr size_t kMaxWants = 10'000;
constexpr size_t kMaxFeatures = 64;
// The resource virtual_ip, and what listeners of an edge have besides address and upstream.
constexpr std::string_view kVirtualIpFeature = "virtual-ip";
constexpr size_t kMaxVersionBytes = 64;
constexpr size_t kMaxReported = 10'000;
constexpr size_t kMaxReportedVirtualIps = 512;
constexpr size_t kMaxReportedAddresses = 64;  // of each
constexpr size_t kMaxTrustBytes = 64u << 10;
constexpr size_t kMaxJsonDepth = 16;

enum class Role : uint8_t { sidecar, edge };
std::string_view to_string(Role role);
std::optional<Role> parse_role(std::string_view text);

// A version as the controller makes it: an epoch (random, new at each start) and a counter. A proxy takes it as opaque
// text.
struct Version {
    std::string epoch;  // 1 .. 32 of 0-9a-z
    uint64_t counter = 0;

    std::string to_string() const;
    static std::optional<Version> parse(std::string_view text);
    friend bool operator==(const Version&, const Version&) = default;
};

// Who the proxy is and what it wants. `instance` is new at each start of the proxy's process: the same name with the
// same instance replaces its own old session, with another one it is refused while the old session lives.
struct Hello {
    int protocol = kProtocol;
    std::string name;
    std::string instance;
    Role role = Role::sidecar;
    std::string node;                // may be empty
    std::string zone;                // may be empty
    std::vector<std::string> wants;  // upstream names or aliases, or "*" for everything
    std::string version;             // what it has, "" for nothing
    // What it knows beyond the first of protocol 1, at most kMaxFeatures; a controller passes over those that it does not know.
    std::vector<std::string> features = {};

    bool has(std::string_view feature) const;
};

// Towards the proxy. A snapshot is all there is (what it does not name is gone); a delta applies to exactly `base`.
struct Snapshot {
    std::string version;
    std::vector<config::Resource> upsert;
};
struct Delta {
    std::string base;
    std::string version;
    std::vector<config::Resource> upsert;
    std::vector<config::ResourceKey> remove;
};

struct Ack {
    std::string version;
};
// Refused whole: the last good configuration stays in force. An error whose `where` is "base" asks for a snapshot.
struct Nack {
    std::string version;
    std::vector<Error> errors;
};

struct UpstreamReport {
    std::string name;
    uint32_t healthy = 0;
    uint32_t hosts = 0;
};
// What a node does about the addresses of one virtual router and family, as steelyard-vip says.
enum class VirtualIpState : uint8_t { init, backup, master, fault };
std::string_view to_string(VirtualIpState state);
std::optional<VirtualIpState> parse_virtual_ip_state(std::string_view text);

struct VirtualIpReport {
    uint8_t router_id = 0;
    bool ipv6 = false;                   // on the wire "family": "ipv4" or "ipv6"
    std::vector<std::string> addresses;  // at most kMaxReportedAddresses
    std::string interface;
    VirtualIpState state = VirtualIpState::init;
    uint64_t conflicts = 0;  // a foreign host answered for one of the addresses
    uint64_t splits = 0;     // another master was heard while this node was one
    std::string problem;     // why the state is fault; cut to 512 bytes

    friend bool operator==(const VirtualIpReport&, const VirtualIpReport&) = default;
};
struct Report {
    std::vector<UpstreamReport> upstreams;
    std::vector<VirtualIpReport> virtual_ips = {};  // at most kMaxReportedVirtualIps; from role edge
};

// The CA certificates that the controller's certificate may be signed by, now and next, as PEM. Told after hello over
// TLS, and again when they change.
struct Trust {
    std::string ca;
};

// What it wants and is not given, all of it: another such message replaces this one. The connection stays, and what is
// granted later arrives.
struct RefusedWant {
    std::string name;
    std::string problem;

    friend bool operator==(const RefusedWant&, const RefusedWant&) = default;
};
struct Refused {
    std::vector<RefusedWant> wants;
};

// Why the controller is about to close. `code`: name_in_use, bad_hello, unsupported_protocol, forbidden, protocol,
// timeout, too_large, expired, replaced, stopping.
struct ErrorMessage {
    std::string code;
    std::string problem;
};

using FromProxy = std::variant<Hello, Ack, Nack, Report>;
using FromController = std::variant<Snapshot, Delta, Trust, Refused, ErrorMessage>;

}  // namespace steelyard::push
