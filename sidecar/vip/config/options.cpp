#include "sidecar/vip/config/options.hpp"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <array>
#include <charconv>
#include <tuple>
#include <vector>

#include "common/admin/server.hpp"
#include "common/cli/cli.hpp"
#include "common/cli/duration.hpp"

namespace steelyard::vip {
namespace {

struct Text {  // the flags as they were typed
    std::string interface, ready_url, admin, checksum = "pseudo-header", preempt_delay = "0", ready_interval = "100ms",
                                             flow_handover = "60s";
    std::vector<std::string> addresses, peers;
    uint32_t vrid = 0, priority = 100, interval = 100;
    bool no_preempt = false, no_accept = false;
};

// Flags that describe a router, and so have no place beside --config.
constexpr std::array<const char*, 9> kRouterFlags{"--interface",       "--vrid", "--priority",      "--address",
                                                  "--advert-interval", "--peer", "--preempt-delay", "--no-preempt",
                                                  "--no-accept"};

constexpr Milliseconds kMaxFlowHandover{3'600'000};

void declare_router(CLI::App& app, Text& t) {
    app.add_option("--interface", t.interface, "The interface of the one router, or a glob");
    app.add_option("--vrid", t.vrid, "Its id, the same on all nodes: 1 to 255");
    app.add_option("--priority", t.priority, "Its priority here, 1 to 255: the highest holds the addresses")
        ->capture_default_str();
    app.add_option("--address", t.addresses, "IP or IP/LENGTH to hold, repeatable; a router for each family")
        ->delimiter(',');
    app.add_option("--advert-interval", t.interval, "Milliseconds between adverts, 10 to 40950, a multiple of 10")
        ->capture_default_str();
    app.add_option("--peer", t.peers, "Another node's IP, repeatable: unicast instead of multicast")->delimiter(',');
    app.add_option("--preempt-delay", t.preempt_delay,
                   "How long a master of lower priority is let be: milliseconds, or 5s, 1m")
        ->capture_default_str();
    app.add_flag("--no-preempt", t.no_preempt, "Let a master of lower priority be");
    app.add_flag("--no-accept", t.no_accept, "Do not take traffic to the addresses; only hold them");
}

void declare(CLI::App& app, VipOptions& o, Text& t) {
    app.add_option("--config", o.config_file, "What this node should do, as the proxy writes it; followed")
        ->type_name("FILE");
    app.add_option("--state-file", o.state_file, "Where to write what this node does, for the proxy and for a restart")
        ->type_name("FILE");
    declare_router(app, t);
    app.add_option("--ready-url", t.ready_url,
                   "Hold addresses only while this answers 200: http://ADDRESS:PORT/readyz");
    app.add_option("--ready-interval", t.ready_interval, "How often it is asked")->capture_default_str();
    app.add_option("--admin-listen", t.admin, "ADDRESS:PORT of /healthz /readyz /metrics /routers (default: none)");
    app.add_option("--flow-handover", t.flow_handover,
                   "How long TCP connections may go on here after their address has moved on in order; 0: they are cut")
        ->capture_default_str();
    app.add_option("--ipv4-checksum", t.checksum,
                   "What the checksum over IPv4 covers: pseudo-header (as keepalived) or message (as RFC 9568)")
        ->capture_default_str();
    app.add_option("--log-level", o.log_level, "trace, debug, info, warn, error")->capture_default_str();
    app.add_option("--log-format", o.log_format, "text or json")->capture_default_str();
}

// "fd00::7:9913", as $(POD_IP):9913 comes out, to "[fd00::7]:9913".
std::string with_brackets(const std::string& text) {
    const size_t last = text.rfind(':');
    if (text.starts_with('[') || last == text.find(':')) return text;
    return '[' + text.substr(0, last) + ']' + text.substr(last);
}

Result<void> check_number(const char* flag, uint32_t value, uint32_t low, uint32_t high, const char* what) {
    if (value >= low && value <= high) return {};
    return Error{flag, std::to_string(value) + " is not " + what + " (" + std::to_string(low) + "-" +
                           std::to_string(high) + ")"};
}

bool is_number(const std::string& text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

Result<Milliseconds> read_delay(const std::string& text) {
    const auto parsed = cli::parse_duration(is_number(text) ? text + "ms" : text, kMaxPreemptDelay);
    if (!parsed) return Error{"--preempt-delay", "'" + text + "' is not a time up to an hour, such as 500, 5s, 1m"};
    return *parsed;
}

Router& router_of(std::vector<Router>& routers, const Router& common, Family family) {
    for (auto& router : routers) {
        if (router.family == family) return router;
    }
    routers.push_back(common);
    routers.back().family = family;
    return routers.back();
}

Result<void> add_addresses(const Text& t, const Router& common, std::vector<Router>& routers) {
    for (const auto& text : t.addresses) {
        const auto prefix = Prefix::parse(text);
        if (!prefix) return Error{"--address", "'" + text + "' is not an IP address, nor one with /LENGTH"};
        if (const auto problem = address_problem(prefix->ip, prefix->ip.family))
            return Error{"--address", "'" + text + "' " + *problem};
        auto& router = router_of(routers, common, prefix->ip.family);
        const auto same = [&](const Prefix& other) { return other.ip == prefix->ip; };
        if (std::any_of(router.addresses.begin(), router.addresses.end(), same))
            return Error{"--address", "'" + text + "' is given twice"};
        router.addresses.push_back(*prefix);
        if (router.addresses.size() > kMaxRouterAddresses) {
            return Error{"--address", "more than " + std::to_string(kMaxRouterAddresses) + " of one family"};
        }
    }
    return {};
}

Result<void> add_peers(const Text& t, std::vector<Router>& routers) {
    for (const auto& text : t.peers) {
        const auto ip = Ip::parse(text);
        if (!ip) return Error{"--peer", "'" + text + "' is not an IP address"};
        const auto router = std::find_if(routers.begin(), routers.end(),
                                         [&](const Router& other) { return other.family == ip->family; });
        if (router == routers.end()) return Error{"--peer", "'" + text + "' is of a family that no --address is of"};
        if (const auto problem = address_problem(*ip, ip->family)) return Error{"--peer", "'" + text + "' " + *problem};
        router->peers.push_back(*ip);
        if (router->peers.size() > kMaxRouterPeers)
            return Error{"--peer", "more than " + std::to_string(kMaxRouterPeers) + " of one family"};
    }
    // One family by unicast and the other by multicast would be a surprise.
    for (const auto& router : routers) {
        if (!t.peers.empty() && router.peers.empty())
            return Error{"--peer",
                         std::string("none is of ") + to_string(router.family) + ", which an --address is of"};
    }
    return {};
}

Result<std::vector<Router>> read_routers(const Text& t) {
    if (t.interface.empty()) return Error{"--interface", "is needed without --config"};
    if (const auto problem = interface_problem(t.interface))
        return Error{"--interface", "'" + t.interface + "' " + *problem};
    if (auto done = check_number("--vrid", t.vrid, 1, 255, "a virtual router id"); !done) return done.error();
    if (auto done = check_number("--priority", t.priority, 1, 255, "a priority"); !done) return done.error();
    if (auto done = check_number("--advert-interval", t.interval, 10, 40'950, "an interval in milliseconds"); !done)
        return done.error();
    if (t.interval % 10 != 0)
        return Error{"--advert-interval", std::to_string(t.interval) + " is not a multiple of 10"};
    if (t.addresses.empty()) return Error{"--address", "is needed without --config"};
    const auto delay = read_delay(t.preempt_delay);
    if (!delay) return delay.error();
    Router common;
    common.id = static_cast<uint8_t>(t.vrid);
    common.interfaces = {t.interface};
    common.priority = static_cast<uint8_t>(t.priority);
    common.advertisement_interval = Milliseconds{t.interval};
    common.preempt = !t.no_preempt;
    common.preempt_delay = *delay;
    common.accept = !t.no_accept;
    std::vector<Router> routers;
    if (auto done = add_addresses(t, common, routers); !done) return done.error();
    if (auto done = add_peers(t, routers); !done) return done.error();
    return routers;
}

Result<void> finish(const CLI::App& app, const Text& t, VipOptions& o) {
    if (o.config_file.empty()) {
        auto routers = read_routers(t);
        if (!routers) return routers.error();
        o.config.routers = std::move(*routers);
    } else {
        for (const char* flag : kRouterFlags) {
            if (app.get_option(flag)->count() > 0) return Error{flag, "has no place beside --config"};
        }
    }
    if (!t.ready_url.empty()) {
        auto url = parse_ready_url(t.ready_url);
        if (!url) return url.error();
        o.ready_url = std::move(*url);
    }
    const auto every = cli::parse_duration(t.ready_interval, Milliseconds{60'000});
    if (!every || *every < Milliseconds{10})
        return Error{"--ready-interval", "'" + t.ready_interval + "' is not a duration from 10ms to 1m"};
    o.ready_interval = *every;
    const auto handover = cli::parse_duration(t.flow_handover == "0" ? "0s" : t.flow_handover, kMaxFlowHandover);
    if (!handover) return Error{"--flow-handover", "'" + t.flow_handover + "' is not a duration up to 1h, such as 60s"};
    o.flow_handover = *handover;
    if (!t.admin.empty()) {
        auto admin = admin::parse_listen(with_brackets(t.admin));
        if (!admin) return Error{"--admin-listen", admin.error().problem};
        std::tie(o.admin_ip, o.admin_port) = *admin;
    }
    const auto checksum = parse_checksum(t.checksum);
    if (!checksum) return Error{"--ipv4-checksum", "'" + t.checksum + "' is not one of pseudo-header, message"};
    o.ipv4_checksum = *checksum;
    return {};
}

}  // namespace

Result<ReadyUrl> parse_ready_url(const std::string& text) {
    const auto bad = [&](const char* why) {
        return Error{"--ready-url", "'" + text + "' is not http://ADDRESS[:PORT][/PATH]: " + why};
    };
    constexpr std::string_view kScheme = "http://";
    if (!text.starts_with(kScheme)) return bad("it does not begin with http://");
    const auto visible = [](char c) { return c > 0x20 && c < 0x7f; };
    if (!std::all_of(text.begin(), text.end(), visible) || text.find('#') != std::string::npos)
        return bad("it has characters that no URL sent to a server has");
    std::string_view rest = std::string_view(text).substr(kScheme.size());
    ReadyUrl url;
    const size_t path = std::min(rest.find_first_of("/?"), rest.size());
    if (path < rest.size()) url.path = (rest[path] == '?' ? "/" : "") + std::string(rest.substr(path));
    rest = rest.substr(0, path);
    url.host = rest;
    std::string_view host = rest;
    size_t colon = rest.rfind(':');
    if (rest.starts_with('[')) {
        const size_t end = rest.find(']');
        if (end == std::string_view::npos) return bad("there is no ']'");
        host = rest.substr(1, end - 1);
        colon = end + 1 == rest.size() ? std::string_view::npos : end + 1;
        if (colon != std::string_view::npos && rest[colon] != ':') return bad("after ']' there is no ':'");
    } else {
        host = rest.substr(0, colon);
    }
    if (colon != std::string_view::npos) {
        const std::string_view digits = rest.substr(colon + 1);
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), url.port);
        if (error != std::errc{} || end != digits.data() + digits.size() || url.port == 0)
            return bad("its port is not 1 to 65535");
    }
    const auto ip = Ip::parse(host == "localhost" ? "127.0.0.1" : host);
    if (!ip) return bad("its host is neither an IP address (IPv6 in brackets) nor localhost");
    url.ip = *ip;
    return url;
}

std::variant<VipOptions, int> parse_vip_options(int argc, const char* const* argv) {
    VipOptions options;
    Text text;
    CLI::App app(
        "Holds virtual IP addresses by VRRPv3: of several nodes one has them, and another when that one fails.",
        "steelyard-vip");
    declare(app, options, text);
    if (const auto status = cli::parse(app, argc, argv)) return *status;
    if (auto done = finish(app, text, options); !done)
        return cli::usage_error(app.get_name(), done.error().to_string());
    return options;
}

}  // namespace steelyard::vip
