#include "controller/options.hpp"

#include <CLI/CLI.hpp>
#include <cstdlib>
#include <filesystem>
#include <tuple>

#include "common/admin/server.hpp"
#include "common/cli/cli.hpp"
#include "common/log.hpp"
#include "common/metrics/series_limit.hpp"
#include "controller/options_cluster.hpp"

namespace steelyard {
namespace {

struct Text {  // the flags as they were typed
    std::string push = "0.0.0.0:9443", admin = "0.0.0.0:9080", log_level = "info", log_format = "text";
    ClusterFlags cluster;
};

bool runs_in_a_cluster(const ControllerOptions& options) {
    const char* host = std::getenv("KUBERNETES_SERVICE_HOST");  // what kube::load_config goes by
    return options.kubeconfig.empty() && options.manifests.empty() && host != nullptr && *host != '\0';
}

Result<void> finish(const Text& text, ControllerOptions& options) {
    if (auto logging = log::init(text.log_level, text.log_format); !logging) return logging;
    if (!options.kubeconfig.empty() && !options.manifests.empty()) {
        return Error{"--kubeconfig, --manifests", "only one of them can be given"};
    }
    std::error_code error;
    if (!options.manifests.empty() && !std::filesystem::is_directory(options.manifests, error)) {
        return Error{"--manifests", "'" + options.manifests + "' is not a directory"};
    }
    auto push = admin::parse_listen(text.push);
    if (!push) return Error{"--push-listen", push.error().problem};
    std::tie(options.push_ip, options.push_port) = *push;
    auto admin = admin::parse_listen(text.admin);
    if (!admin) return Error{"--admin-listen", admin.error().problem};
    std::tie(options.admin_ip, options.admin_port) = *admin;
    options.in_cluster = runs_in_a_cluster(options);
    return finish_cluster_flags(text.cluster, options);
}

}  // namespace

std::variant<ControllerOptions, int> parse_controller_options(int argc, const char* const* argv) {
    ControllerOptions options;
    Text text;
    CLI::App app("Watches Services and EndpointSlices and pushes weighted backend sets to the sidecars.",
                 "steelyard-controller");
    app.add_option("--kubeconfig", options.kubeconfig, "Default: in-cluster, then $KUBECONFIG, then ~/.kube/config")
        ->type_name("FILE");
    app.add_option("--manifests", options.manifests,
                   "Instead of an API server: a directory of Kubernetes YAML, followed as it changes")
        ->type_name("DIR");
    app.add_option("--push-listen", text.push, "ADDRESS:PORT where sidecars connect")->capture_default_str();
    app.add_option("--admin-listen", text.admin, "ADDRESS:PORT of /healthz /readyz /metrics /proxies /problems")
        ->capture_default_str();
    app.add_option("--metrics-series-limit", options.metrics_series_limit, "The most series that /metrics shows")
        ->check(CLI::Range(metrics::SeriesLimit::kLeast, size_t{10'000'000}))
        ->capture_default_str();
    add_cluster_flags(app, text.cluster, options);
    app.add_option("--log-level", text.log_level, "trace, debug, info, warn, error")->capture_default_str();
    app.add_option("--log-format", text.log_format, "text or json")->capture_default_str();
    if (const auto status = cli::parse(app, argc, argv)) return *status;
    if (auto checked = finish(text, options); !checked)
        return cli::usage_error(app.get_name(), checked.error().to_string());
    return options;
}

}  // namespace steelyard
