#pragma once
// The messages of the push protocol (docs/push-protocol.md): hello, ack, nack, report, claim go from proxy to controller;
// snapshot, delta, trust, refused, grant, error from controller to proxy. Plain values with their limits; common/push/codec.hpp turns them
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
// Virtual IPs with a lease, and the messages claim and grant.
constexpr std::string_view kVirtualIpLeaseFeature = "virtual-ip-lease";
constexpr size_t kMaxClaims = 255;  // virtual routers in a claim or a grant
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

// What a node of role edge asks of the Leases that say which node holds a virtual router's addresses, and what it is told.
// `transfer` gives what it holds to another node.
enum class LeaseAction : uint8_t { hold, release, transfer };
std::string_view to_string(LeaseAction action);
std::optional<LeaseAction> parse_lease_action(std::string_view text);

struct LeaseClaim {
    uint8_t router_id = 0;  // 1 .. 255, each once in a claim
    LeaseAction action = LeaseAction::hold;
    uint8_t priority = 0;  // the greater one asks for what a lesser one holds
    std::string to = {};   // the node that is to hold it: with transfer, and only then

    friend bool operator==(const LeaseClaim&, const LeaseClaim&) = default;
};
struct Claim {
    uint64_t id = 0;                 // rises with each claim of the process, over all of its connections
    std::vector<LeaseClaim> leases;  // 1 .. kMaxClaims

    friend bool operator==(const Claim&, const Claim&) = default;
};

// What became of one LeaseClaim. With `held` the Lease is the claimant's for duration_ms from the moment at which it sent the
// claim, by its own clock.
struct LeaseGrant {
    uint8_t router_id = 0;
    bool held = false;
    std::string holder = {};     // the node that holds it; "": nobody, or it is not known (`problem`)
    uint32_t duration_ms = 0;    // up to 60'000; not 0 if held
    std::string wanted_by = {};  // a node of higher priority that asks for it, "": none
    std::string problem = {};    // why nothing can be said, "": none; cut to 512 bytes

    friend bool operator==(const LeaseGrant&, const LeaseGrant&) = default;
};
struct Grant {
    uint64_t id = 0;                 // the claim's
    std::vector<LeaseGrant> leases;  // at most kMaxClaims, as in the claim

    friend bool operator==(const Grant&, const Grant&) = default;
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

using FromProxy = std::variant<Hello, Ack, Nack, Report, Claim>;
using FromController = std::variant<Snapshot, Delta, Trust, Refused, Grant, ErrorMessage>;

}  // namespace steelyard::push
