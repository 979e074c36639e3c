#pragma once
// The --controller URL: wss://HOST[:PORT][/PATH] (TLS) or ws:// (none). Port 9443 and path /push unless said otherwise. IPv6 hosts in
// brackets.
#include <cstdint>
#include <string>
#include <string_view>

#include "common/result.hpp"

namespace steelyard::config {

struct ControllerUrl {
    std::string host;  // a name or an IP literal without brackets
    uint16_t port = 9443;
    std::string path = "/push";
    bool tls = false;

    std::string to_string() const;
};

// `where` is the flag's name in errors.
Result<ControllerUrl> parse_controller_url(std::string_view text, const std::string& where = "--controller");

}  // namespace steelyard::config
