#pragma once
// What this node does: the file of --state-file (--vip-state of the proxy that reads it). Also what lets a restarted program go on as
// master: it says of which boot and of which moment it is.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

inline constexpr size_t kMaxStateRouters = 512;
inline constexpr size_t kMaxStateBytes = size_t{8} << 20;

enum class RouterState : uint8_t { init, backup, master, fault };
const char* to_string(RouterState state);

struct RouterStatus {
    uint8_t id = 1;
    Family family = Family::ipv4;
    std::string interface = {};  // "": none was found
    RouterState state = RouterState::init;
    uint8_t priority = 0;
    std::vector<Prefix> addresses = {};
    uint64_t since_ms = 0;  // monotonic, when it came into this state
    uint64_t conflicts = 0, splits = 0;
    std::string problem = {};  // what is written ends after 512 bytes

    friend bool operator==(const RouterStatus&, const RouterStatus&) = default;
};

struct StateFile {
    std::string boot_id = {};   // /proc/sys/kernel/random/boot_id
    uint64_t monotonic_ms = 0;  // CLOCK_MONOTONIC when it was written, which is steady_clock's
    std::vector<RouterStatus> routers = {};
    std::vector<Ip> kept = {};  // addresses that are another node's now, while connections to them go on here

    friend bool operator==(const StateFile&, const StateFile&) = default;
};

std::string encode_state(const StateFile& state);
// Reads what encode_state() writes; fields that it does not know are passed over, as the reader may be older than the writer.
Result<StateFile> decode_state(std::string_view text, const std::string& where);

// nullopt: there is no such file.
Result<std::optional<StateFile>> load_state(const std::string& path);

// Whether a file of this boot is not older than `most` at `now_ms`: a router that it calls master may go on as such.
bool is_fresh(const StateFile& state, std::string_view boot_id, uint64_t now_ms, Milliseconds most);

}  // namespace steelyard::vip
