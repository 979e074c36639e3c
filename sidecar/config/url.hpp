#pragma once
// The --controller URL: ws://HOST[:PORT][/PATH]. Port 9443 and path /push unless said otherwise. IPv6 hosts in
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

    std::string to_string() const;
};

// `where` is the flag's name in errors. wss:// is refused: TLS arrives with the secured push.
Result<ControllerUrl> parse_controller_url(std::string_view text, const std::string& where = "--controller");

}  // namespace steelyard::config
