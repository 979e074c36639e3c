#pragma once
// The sidecar's command line, checked.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sidecar/access_log/options.hpp"
#include "sidecar/config/client.hpp"
#include "sidecar/runtime/runtime.hpp"

namespace steelyard {

struct SidecarOptions {
    std::optional<config::ControllerUrl> controller;    // else:
    std::string controller_ca_file, controller_ca_pem;  // whom to trust, for wss://
    std::string token_file;                             // "" = no token is shown
    std::string config_file;
    push::Role role = push::Role::sidecar;
    std::string name, node, zone;
    std::vector<DeclaredListener> listeners;
    uint32_t workers = 1;
    std::string admin_ip;
    uint16_t admin_port = 9901;
    std::string metrics_ip;  // "": no listener for metrics alone
    uint16_t metrics_port = 0;
    uint16_t capture_port = 0;  // 0: nothing is captured
    Milliseconds capture_idle_timeout{600'000};
    size_t metrics_series_limit = 50'000;
    std::string state_dir;
    std::string vip_config, vip_state;  // the files between an edge and steelyard-vip; "": none
    WorkerOptions worker;
    Milliseconds drain_delay{1'000};
    Milliseconds drain_timeout{30'000};
    std::optional<access_log::Options> access_log;  // nullopt: off
};

// Options, or the exit status after --help, --version or an error, which was printed. Sets up logging.
std::variant<SidecarOptions, int> parse_sidecar_options(int argc, const char* const* argv);

// "8080=web.shop:http" -> listener on 127.0.0.1:8080 for "shop/web:http"; "ADDR:PORT=..." listens there; "8080/udp=..."
// takes datagrams.
Result<DeclaredListener> parse_upstream_flag(const std::string& text);

// Cores that the cgroup grants, at least 1.
uint32_t granted_cores();

}  // namespace steelyard
