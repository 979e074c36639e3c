#include "sidecar/config/url.hpp"

#include <charconv>

#include "common/config/problems.hpp"
#include "common/config/validate.hpp"

namespace steelyard::config {

std::string ControllerUrl::to_string() const {
    const bool v6 = host.find(':') != std::string::npos;
    return std::string(tls ? "wss://" : "ws://") + (v6 ? "[" + host + "]" : host) + ":" + std::to_string(port) + path;
}

Result<ControllerUrl> parse_controller_url(std::string_view text, const std::string& where) {
    const auto wrong = [&](const std::string& problem) {
        return Error{where, "'" + shown(text) + "': " + problem + "; a URL is like wss://controller.example:9443"};
    };
    ControllerUrl url;
    url.tls = text.substr(0, 6) == "wss://";
    if (!url.tls && text.substr(0, 5) != "ws://") return wrong("it does not begin with wss:// or ws://");
    std::string_view rest = text.substr(url.tls ? 6 : 5);
    if (const size_t slash = rest.find('/'); slash != std::string_view::npos) {
        if (rest.size() > slash + 1) url.path = std::string(rest.substr(slash));
        rest = rest.substr(0, slash);
    }
    if (rest.find('@') != std::string_view::npos) return wrong("credentials in it are not supported");
    std::string_view port;
    bool has_port = false;
    if (!rest.empty() && rest[0] == '[') {
        const size_t close = rest.find(']');
        if (close == std::string_view::npos) return wrong("the [ of its address has no ]");
        url.host = std::string(rest.substr(1, close - 1));
        if (!is_ip(url.host)) return wrong("'" + shown(url.host) + "' is not an IPv6 address");
        rest = rest.substr(close + 1);
        if (!rest.empty() && rest[0] != ':') return wrong("only a port may follow the ]");
        has_port = !rest.empty();
        if (has_port) port = rest.substr(1);
    } else {
        const size_t colon = rest.find(':');
        url.host = std::string(rest.substr(0, colon));
        has_port = colon != std::string_view::npos;
        if (has_port) port = rest.substr(colon + 1);
    }
    if (!is_name(url.host)) return wrong("it has no host");
    if (url.path.find_first_of("?#") != std::string::npos || !is_name(url.path)) return wrong("its path is not plain");
    if (has_port) {
        unsigned value = 0;
        const auto [stopped, failure] = std::from_chars(port.data(), port.data() + port.size(), value);
        if (port.empty() || failure != std::errc{} || stopped != port.data() + port.size() || value == 0 ||
            value > 65535) {
            return wrong("'" + shown(port) + "' is not a port (1-65535)");
        }
        url.port = static_cast<uint16_t>(value);
    }
    return url;
}

}  // namespace steelyard::config
