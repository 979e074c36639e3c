#pragma once
// steelyard-vip's command line, checked: a file to follow, or one virtual router (of each family) by flags alone.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "common/clock.hpp"
#include "sidecar/vip/config/config.hpp"
#include "sidecar/vip/vrrp/packet.hpp"

namespace steelyard::vip {

// Whom to ask whether the proxy is ready: http:// alone, an address or localhost.
struct ReadyUrl {
    Ip ip;
    uint16_t port = 80;
    std::string path = "/";  // with the query
    std::string host;        // as typed, for the Host field

    friend bool operator==(const ReadyUrl&, const ReadyUrl&) = default;
};
Result<ReadyUrl> parse_ready_url(const std::string& text);

struct VipOptions {
    std::string config_file;  // "": `config` is all there is
    Config config;            // by flags; one router a family
    std::string state_file;   // "": none is written
    std::optional<ReadyUrl> ready_url;
    Milliseconds ready_interval{0};  // how often it is asked
    std::string admin_ip;            // "": no admin listener
    uint16_t admin_port = 0;
    Milliseconds flow_handover{60'000};  // how long connections are kept after their address has moved; 0: not at all
    Checksum ipv4_checksum = Checksum::pseudo_header;
    std::string log_level = "info", log_format = "text";
};

// Options, or the exit status after --help, --version or an error, which was printed.
std::variant<VipOptions, int> parse_vip_options(int argc, const char* const* argv);

}  // namespace steelyard::vip
