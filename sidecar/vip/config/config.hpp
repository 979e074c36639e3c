#pragma once
// What this node should do: the file of --config (--vip-config of the proxy that writes it), read strictly. A field that is unknown,
// of a wrong type or out of its range refuses the file whole; the error names file and field, and the last good one stays in force.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

inline constexpr size_t kMaxRouters = 512;
inline constexpr size_t kMaxRouterAddresses = 64;
inline constexpr size_t kMaxRouterInterfaces = 16;
inline constexpr size_t kMaxRouterPeers = 64;
inline constexpr size_t kMaxConfigBytes = size_t{8} << 20;
inline constexpr Milliseconds kMaxPreemptDelay{3'600'000};

struct Router {
    uint8_t id = 1;
    Family family = Family::ipv4;
    std::vector<Prefix> addresses = {};        // 1 to 64, all of `family`, no two the same
    std::vector<std::string> interfaces = {};  // names or globs with '*'; none: found out
    uint8_t priority = 100;                    // 1 to 255
    Milliseconds advertisement_interval{100};  // 10 to 40'950, a multiple of 10
    bool preempt = true;
    Milliseconds preempt_delay{0};
    bool accept = true;
    std::vector<Ip> peers = {};  // none: multicast
    // Not nullopt: no VRRP; the addresses are this node's by a Lease, until this moment of its monotonic clock in milliseconds. 0: they are not.
    std::optional<uint64_t> lease_until_ms = {};

    bool by_lease() const { return lease_until_ms.has_value(); }

    friend bool operator==(const Router&, const Router&) = default;
};

// No two routers have the same id and family, and no address is in two of them.
struct Config {
    std::vector<Router> routers = {};

    friend bool operator==(const Config&, const Config&) = default;
};

// `where` names the file in errors: "FILE: routers[3].priority: 0 is not a priority (1-255)".
Result<Config> decode_config(std::string_view text, const std::string& where);
std::string encode_config(const Config& config);

// Whether nothing but moments at which Leases end tells them apart: they move on several times a second.
bool same_but_leases(const Router& one, const Router& other);
bool same_but_leases(const Config& one, const Config& other);

// nullopt: there is no such file (yet).
Result<std::optional<Config>> load_config(const std::string& path);

// A name or a glob as `interfaces` has them; why not, when it is none.
std::optional<std::string> interface_problem(std::string_view text);
// Whether an interface's name is one, or matches the glob (each '*' any number of characters).
bool matches_interface(std::string_view glob, std::string_view name);

// Why an address or a peer cannot be one: unspecified, loopback, multicast, of another family. nullopt: nothing is wrong.
std::optional<std::string> address_problem(const Ip& ip, Family family);

}  // namespace steelyard::vip
