#pragma once
// The flags of what runs only with an API server or with TLS: election, push security, the webhook. Private to options.cpp.
#include <string>

#include "common/result.hpp"
#include "controller/options.hpp"

namespace CLI {
class App;
}

namespace steelyard {

struct ClusterFlags {  // as they were typed
    std::string tls = "none", auth, cross_namespace = "exported", names, leader_elect, webhook;
    std::string ca_lifetime = "87600h", certificate_lifetime = "2160h";
    std::string lease_duration = "15s", renew_deadline = "10s", retry_period = "2s";
};

void add_cluster_flags(CLI::App& app, ClusterFlags& flags, ControllerOptions& options);

// Fills in what depends on where we run, and refuses what cannot work together. `options.in_cluster` is known.
Result<void> finish_cluster_flags(const ClusterFlags& flags, ControllerOptions& options);

}  // namespace steelyard
