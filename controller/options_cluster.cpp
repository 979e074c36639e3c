#include "controller/options_cluster.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <filesystem>
#include <fstream>
#include <tuple>

#include "common/admin/server.hpp"
#include "common/cli/duration.hpp"
#include "common/tls/pki.hpp"

namespace steelyard {
namespace {

constexpr const char* kNamespaceFile = "/var/run/secrets/kubernetes.io/serviceaccount/namespace";
constexpr Milliseconds kLongestLife = 100 * cli::kYear;

std::string own_namespace() {
    std::string ns;
    std::ifstream(kNamespaceFile) >> ns;
    return ns.empty() ? "default" : ns;
}

std::string host_name() {
    std::array<char, 256> name{};
    return ::gethostname(name.data(), name.size() - 1) == 0 && name[0] != '\0' ? name.data() : "steelyard-controller";
}

Result<Milliseconds> duration(const char* flag, const std::string& text, Milliseconds limit = cli::kYear) {
    const auto parsed = cli::parse_duration(text, limit);
    if (!parsed || parsed->count() == 0)
        return Error{flag, "'" + text + "' is not a duration (such as 500ms, 15s, 2160h)"};
    return *parsed;
}

Result<void> read_durations(const ClusterFlags& flags, ControllerOptions& options) {
    auto& timing = options.election.timing;
    auto& security = options.security;
    const std::tuple<const char*, const std::string&, Milliseconds&, Milliseconds> all[] = {
        {"--lease-duration", flags.lease_duration, timing.lease_duration, cli::kYear},
        {"--renew-deadline", flags.renew_deadline, timing.renew_deadline, cli::kYear},
        {"--retry-period", flags.retry_period, timing.retry_period, cli::kYear},
        {"--tls-ca-lifetime", flags.ca_lifetime, security.ca_lifetime, kLongestLife},
        {"--tls-certificate-lifetime", flags.certificate_lifetime, security.certificate_lifetime, kLongestLife},
    };
    for (const auto& [flag, text, value, limit] : all) {
        auto parsed = duration(flag, text, limit);
        if (!parsed) return parsed.error();
        value = *parsed;
    }
    if (security.certificate_lifetime < std::chrono::seconds(10))
        return Error{"--tls-certificate-lifetime", "must be at least 10s"};
    if (security.ca_lifetime < 2 * security.certificate_lifetime)
        return Error{"--tls-ca-lifetime", "must be at least twice --tls-certificate-lifetime"};
    return leader::validate(timing);
}

Result<void> read_names(const ClusterFlags& flags, ControllerOptions& options) {
    auto& names = options.security.tls_names;
    if (flags.names.empty()) {
        const std::string service = "steelyard-controller";
        names = {service, service + "." + options.ns, service + "." + options.ns + ".svc",
                 service + "." + options.ns + ".svc.cluster.local", "localhost"};
    }
    for (size_t begin = 0; begin < flags.names.size();) {
        const size_t end = std::min(flags.names.find(',', begin), flags.names.size());
        if (end > begin) names.push_back(flags.names.substr(begin, end - begin));
        begin = end + 1;
    }
    if (names.empty()) return Error{"--tls-names", "names nobody"};
    for (const auto& name : names) {
        if (const std::string problem = tls::name_problem(name); !problem.empty()) return Error{"--tls-names", problem};
    }
    return {};
}

Result<void> check_tls(ControllerOptions& options) {
    const auto& security = options.security;
    const bool api_server = options.manifests.empty();
    std::error_code error;
    switch (security.tls) {
        case PushTls::none:
            if (!options.in_cluster) return {};
            return Error{"--push-tls",
                         "none is refused in a cluster: proxies would show their tokens to whoever listens; give "
                         "managed, or files with --tls-dir"};
        case PushTls::managed:
            if (api_server) return {};
            return Error{"--push-tls", "managed keeps its CA in a Secret: it cannot be used with --manifests"};
        case PushTls::files:
            if (security.tls_dir.empty()) return Error{"--tls-dir", "is needed with --push-tls files"};
            if (!std::filesystem::is_directory(security.tls_dir, error))
                return Error{"--tls-dir", "'" + security.tls_dir + "' is not a directory"};
            return {};
    }
    return {};
}

Result<void> check_together(const ControllerOptions& options) {
    const auto& security = options.security;
    const bool api_server = options.manifests.empty();
    if (!security.tls_dir.empty() && security.tls != PushTls::files)
        return Error{"--tls-dir", "is of use only with --push-tls files"};
    if (security.auth == PushAuth::token && !api_server)
        return Error{"--push-auth", "token asks an API server: it cannot be used with --manifests"};
    if (security.auth == PushAuth::token && security.tls == PushTls::none)
        return Error{"--push-auth", "token needs --push-tls: tokens must not be sent in clear text"};
    if (security.audience.empty()) return Error{"--push-audience", "must not be empty"};
    if (options.election.enabled && !api_server)
        return Error{"--leader-elect", "needs an API server: it cannot be used with --manifests"};
    if (!options.webhook.enabled) return {};
    if (!api_server) return Error{"--webhook-listen", "needs an API server: it cannot be used with --manifests"};
    if (security.tls == PushTls::none)
        return Error{"--webhook-listen", "needs --push-tls: the API server calls webhooks by https alone"};
    if (options.webhook.inject_config.empty()) return Error{"--inject-config", "is needed with --webhook-listen"};
    return {};
}

}  // namespace

void add_cluster_flags(CLI::App& app, ClusterFlags& flags, ControllerOptions& options) {
    auto& security = options.security;
    app.add_option("--namespace", options.ns, "Ours, of Lease, Secret and ConfigMap; default: the pod's, or default");
    app.add_option("--identity", options.identity, "Our name in Leases and Events; default: the host's");
    app.add_option("--push-tls", flags.tls,
                   "none, managed (CA and certificate made, kept in a Secret and rotated) or files; none is refused in "
                   "a cluster")
        ->check(CLI::IsMember({"none", "managed", "files"}))
        ->capture_default_str();
    app.add_option("--tls-dir", security.tls_dir, "With files: tls.crt, tls.key, ca.crt, read again when they change")
        ->type_name("DIR");
    app.add_option("--tls-secret", security.tls_secret, "With managed: the Secret")->capture_default_str();
    app.add_option("--tls-names", flags.names,
                   "With managed: the certificate's DNS names and IPs, comma-separated; default: the Service's");
    app.add_option("--tls-ca-lifetime", flags.ca_lifetime, "Renewed at two thirds of it")->capture_default_str();
    app.add_option("--tls-certificate-lifetime", flags.certificate_lifetime, "Renewed at two thirds of it")
        ->capture_default_str();
    app.add_option("--push-auth", flags.auth,
                   "none or token (service account tokens, by TokenReview); default: token in a cluster")
        ->check(CLI::IsMember({"none", "token"}));
    app.add_option("--push-audience", security.audience, "The audience tokens must have")->capture_default_str();
    app.add_option("--cross-namespace", flags.cross_namespace,
                   "With tokens, which Services of other namespaces a proxy may have: exported or all")
        ->check(CLI::IsMember({"exported", "all"}))
        ->capture_default_str();
    app.add_option("--leader-elect", flags.leader_elect,
                   "true or false; default: true in a cluster. Without, this controller takes itself for the only one")
        ->check(CLI::IsMember({"true", "false"}));
    app.add_option("--lease-name", options.election.lease_name, "The Lease of the election")->capture_default_str();
    app.add_option("--lease-duration", flags.lease_duration, "How long others wait for a leader that is silent")
        ->capture_default_str();
    app.add_option("--renew-deadline", flags.renew_deadline, "How long a leader goes on without a renewal")
        ->capture_default_str();
    app.add_option("--retry-period", flags.retry_period, "Between renewals, and between attempts")
        ->capture_default_str();
    app.add_flag("--default-load-balancer-class", options.default_load_balancer_class,
                 "Give addresses to Services of type LoadBalancer that name no loadBalancerClass, too");
    app.add_flag("--watch-nodes", options.watch_nodes,
                 "Watch Nodes, of which a VirtualIPAdvertisement may select some by their labels");
    app.add_flag("--edge-transparent", options.edge_transparent,
                 "With externalTrafficPolicy Local, edges connect to endpoints from the client's address");
    app.add_option("--webhook-listen", flags.webhook, "ADDRESS:PORT of the injecting webhook; default: off");
    app.add_option("--webhook-config", options.webhook.config_name,
                   "The MutatingWebhookConfiguration whose caBundle is kept current; default: none");
    app.add_option("--inject-config", options.webhook.inject_config, "What is injected; read again when it changes")
        ->type_name("FILE");
}

Result<void> finish_cluster_flags(const ClusterFlags& flags, ControllerOptions& options) {
    if (options.ns.empty()) options.ns = own_namespace();
    if (options.identity.empty()) options.identity = host_name();
    auto& security = options.security;
    security.tls = flags.tls == "managed" ? PushTls::managed : flags.tls == "files" ? PushTls::files : PushTls::none;
    security.auth =
        flags.auth == "token" || (flags.auth.empty() && options.in_cluster) ? PushAuth::token : PushAuth::none;
    security.cross_namespace_all = flags.cross_namespace == "all";
    options.election.enabled = flags.leader_elect == "true" || (flags.leader_elect.empty() && options.in_cluster);
    if (!flags.webhook.empty()) {
        auto listen = admin::parse_listen(flags.webhook);
        if (!listen) return Error{"--webhook-listen", listen.error().problem};
        std::tie(options.webhook.ip, options.webhook.port) = *listen;
        options.webhook.enabled = true;
    }
    if (auto read = read_durations(flags, options); !read) return read;
    if (auto read = read_names(flags, options); !read) return read;
    if (auto checked = check_tls(options); !checked) return checked;
    return check_together(options);
}

}  // namespace steelyard
