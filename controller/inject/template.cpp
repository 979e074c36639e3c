#include "controller/inject/template.hpp"

#include <algorithm>
#include <array>

#include "controller/inject/mutate.hpp"

namespace steelyard::inject {
namespace {

constexpr const char* kTokenDirectory = "/var/run/secrets/steelyard.dev";
constexpr const char* kStateDirectory = "/var/lib/steelyard";
constexpr int64_t kTokenSeconds = 3600;

Json field(const char* name, const char* path) {
    return {{"name", name}, {"valueFrom", {{"fieldRef", {{"fieldPath", path}}}}}};
}

Json environment(std::string_view ca_pem) {
    Json result = Json::array({field("STEELYARD_POD_NAME", "metadata.name"),
                               field("STEELYARD_POD_NAMESPACE", "metadata.namespace"),
                               field("STEELYARD_POD_IP", "status.podIP"), field("STEELYARD_NODE", "spec.nodeName"),
                               // Kubernetes copies the node's zone to its pods from 1.35 on; empty before.
                               field("STEELYARD_ZONE", "metadata.labels['topology.kubernetes.io/zone']")});
    if (!ca_pem.empty()) result.push_back({{"name", "STEELYARD_CONTROLLER_CA_PEM"}, {"value", std::string(ca_pem)}});
    return result;
}

Json arguments(const Wishes& wishes, const InjectConfig& config, int64_t grace_s) {
    const int64_t drain = std::min<int64_t>(config.drain_timeout_s, std::max<int64_t>(grace_s, 0));
    Json result = Json::array();
    const auto add = [&](const std::string& text) { result.push_back(text); };
    add("--controller=" + config.controller_url);
    add("--token-file=" + std::string(kTokenDirectory) + "/token");
    add("--name=$(STEELYARD_POD_NAMESPACE)/$(STEELYARD_POD_NAME)");  // names of pods repeat between namespaces
    add("--state-dir=" + std::string(kStateDirectory));
    add("--metrics-listen=$(STEELYARD_POD_IP):" + std::to_string(kMetricsPort));
    if (wishes.captures()) add("--capture-listen=" + std::to_string(kCapturePort));
    for (const auto& upstream : wishes.upstreams) add("--upstream=" + upstream.flag());
    // Who asks here is the pod itself: what it says of its own users (X-Forwarded-For) goes on, as it would without a sidecar.
    add("--trusted-proxies=127.0.0.0/8,::1,$(STEELYARD_POD_IP)");
    // A native sidecar is told to stop when the pod's containers have ended: there is nobody left to wait for.
    add("--drain-delay=0s");
    add("--drain-timeout=" + std::to_string(drain) + "s");
    add("--log-level=" + config.log_level);
    add("--log-format=" + config.log_format);
    if (config.access_log_enabled) {
        add("--access-log=stdout");
        add("--access-log-sample=" + config.access_log_sample);
    }
    return result;
}

Json probe(int64_t period_s, int64_t failures) {
    return {{"httpGet", {{"path", "/readyz"}, {"port", kMetricsPort}}},
            {"periodSeconds", period_s},
            {"timeoutSeconds", 2},
            {"failureThreshold", failures}};
}

void add_common(Json& container, const InjectConfig& config) {
    if (!config.resources.empty()) container["resources"] = Json::parse(config.resources);
}

}  // namespace

Json sidecar_container(const Wishes& wishes, const InjectConfig& config, std::string_view ca_pem, int64_t grace_s) {
    Json result = {
        {"name", kSidecarName},
        {"image", config.image},
        {"imagePullPolicy", config.image_pull_policy},
        {"restartPolicy", "Always"},
        {"command", Json::array({"steelyard-sidecar"})},
        {"args", arguments(wishes, config, grace_s)},
        {"env", environment(ca_pem)},
        {"ports", Json::array({{{"name", "steelyard-stats"}, {"containerPort", kMetricsPort}, {"protocol", "TCP"}}})}};
    add_common(result, config);
    result["startupProbe"] = probe(1, 300);
    result["readinessProbe"] = probe(5, 3);
    result["securityContext"] = {{"runAsNonRoot", true},
                                 {"runAsUser", config.proxy_uid},
                                 {"runAsGroup", config.proxy_uid},
                                 {"allowPrivilegeEscalation", false},
                                 {"readOnlyRootFilesystem", true},
                                 {"capabilities", {{"drop", Json::array({"ALL"})}}},
                                 {"seccompProfile", {{"type", "RuntimeDefault"}}}};
    result["volumeMounts"] =
        Json::array({{{"name", kStateVolume}, {"mountPath", kStateDirectory}},
                     {{"name", kTokenVolume}, {"mountPath", kTokenDirectory}, {"readOnly", true}}});
    return result;
}

Json capture_container(const Wishes& wishes, const InjectConfig& config,
                       const std::vector<std::string>& service_cidrs) {
    Json args =
        Json::array({"--port=" + std::to_string(kCapturePort), "--proxy-uid=" + std::to_string(config.proxy_uid)});
    const auto add = [&](const char* flag, const std::vector<std::string>& values) {
        for (const auto& value : values) args.push_back(flag + value);
    };
    add("--service-cidr=", service_cidrs);
    add("--exclude-port=", config.exclude_ports);
    add("--exclude-port=", wishes.exclude_ports);
    add("--exclude-cidr=", config.exclude_cidrs);
    add("--exclude-cidr=", wishes.exclude_cidrs);
    Json result = {{"name", kCaptureName},
                   {"image", config.image},
                   {"imagePullPolicy", config.image_pull_policy},
                   {"command", Json::array({"steelyard-capture"})},
                   {"args", std::move(args)}};
    add_common(result, config);
    // Root, whatever the pod says for its own containers, and nothing but the right to write the pod's own packet rules.
    result["securityContext"] = {
        {"runAsNonRoot", false},
        {"runAsUser", 0},
        {"runAsGroup", 0},
        {"allowPrivilegeEscalation", false},
        {"readOnlyRootFilesystem", true},
        {"capabilities", {{"drop", Json::array({"ALL"})}, {"add", Json::array({"NET_ADMIN"})}}},
        {"seccompProfile", {{"type", "RuntimeDefault"}}}};
    return result;
}

Json injected_volumes(const InjectConfig& config) {
    const Json token = {{"audience", config.token_audience}, {"expirationSeconds", kTokenSeconds}, {"path", "token"}};
    return Json::array(
        {{{"name", kStateVolume}, {"emptyDir", Json::object()}},
         {{"name", kTokenVolume}, {"projected", {{"sources", Json::array({{{"serviceAccountToken", token}}})}}}}});
}

std::string status_text(const Wishes& wishes, const InjectConfig& config, std::string_view ca_pem) {
    // What all pods of a configuration have in common: a pod's own wishes do not make it outdated.
    const std::string common = sidecar_container({}, config, ca_pem, config.drain_timeout_s).dump() +
                               capture_container({}, config, config.service_cidrs).dump() +
                               injected_volumes(config).dump();
    uint64_t hash = 14695981039346656037ULL;  // FNV-1a
    for (const char c : common) hash = (hash ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
    std::array<char, 17> text{};
    std::snprintf(text.data(), text.size(), "%016llx", static_cast<unsigned long long>(hash));
    return std::string("injected mode=") + (wishes.captures() ? "capture" : "explicit") + " template=" + text.data();
}

}  // namespace steelyard::inject
