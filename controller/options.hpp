#pragma once
// The controller's command line, checked.
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "common/clock.hpp"
#include "controller/leader/machine.hpp"

namespace steelyard {

enum class PushTls : uint8_t { none, managed, files };
enum class PushAuth : uint8_t { none, token };

struct PushSecurity {
    PushTls tls = PushTls::none;
    std::string tls_dir;  // files
    std::string tls_secret = "steelyard-tls";
    std::vector<std::string> tls_names;  // of the server's certificate; never empty once parsed
    Milliseconds ca_lifetime{0};
    Milliseconds certificate_lifetime{0};
    PushAuth auth = PushAuth::none;
    std::string audience = "steelyard";
    bool cross_namespace_all = false;  // every namespace's upstreams for everybody; else those that are exported
};

struct Election {
    bool enabled = false;  // false: this controller is the only one, and leads
    std::string lease_name = "steelyard-controller";
    leader::Timing timing;
};

struct Webhook {
    bool enabled = false;
    std::string ip;
    uint16_t port = 0;
    std::string config_name;  // the MutatingWebhookConfiguration whose caBundle is kept; "" = none
    std::string inject_config;
};

struct ControllerOptions {
    std::string kubeconfig;   // "" = in-cluster, then $KUBECONFIG, then ~/.kube/config
    std::string manifests;    // a directory in the place of an API server
    bool in_cluster = false;  // our credentials are a pod's
    std::string ns;           // ours: of the Lease, the Secret, the ConfigMap
    std::string identity;     // our name in Leases and Events
    std::string push_ip;
    uint16_t push_port = 9443;
    std::string admin_ip;
    uint16_t admin_port = 9080;
    size_t metrics_series_limit = 50'000;
    PushSecurity security;
    Election election;
    Webhook webhook;
    bool default_load_balancer_class = false;  // Services of type LoadBalancer without a class are ours
    bool watch_nodes = false;                  // for nodeSelector of VirtualIPAdvertisements
    bool edge_transparent = false;             // with externalTrafficPolicy: Local, endpoints see the client's address
};

// Options, or the exit status after --help, --version or an error, which was printed. Sets up logging.
std::variant<ControllerOptions, int> parse_controller_options(int argc, const char* const* argv);

}  // namespace steelyard
