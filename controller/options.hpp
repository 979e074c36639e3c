#pragma once
// The controller's command line, checked.
#include <cstdint>
#include <string>
#include <variant>

namespace steelyard {

struct ControllerOptions {
    std::string kubeconfig;  // "" = in-cluster, then $KUBECONFIG, then ~/.kube/config
    std::string manifests;   // a directory in the place of an API server
    std::string push_ip;
    uint16_t push_port = 9443;
    std::string admin_ip;
    uint16_t admin_port = 9080;
    size_t metrics_series_limit = 50'000;
};

// Options, or the exit status after --help, --version or an error, which was printed. Sets up logging.
std::variant<ControllerOptions, int> parse_controller_options(int argc, const char* const* argv);

}  // namespace steelyard
