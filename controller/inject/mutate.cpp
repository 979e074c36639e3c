#include "controller/inject/mutate.hpp"

#include <algorithm>
#include <array>

#include "common/config/problems.hpp"
#include "controller/inject/annotations.hpp"
#include "controller/inject/pod.hpp"
#include "controller/inject/syntax.hpp"
#include "controller/inject/template.hpp"

namespace steelyard::inject {
namespace {

constexpr std::string_view kPrefix = "steelyard.dev/";
constexpr std::string_view kWeightAnnotation = "steelyard.dev/weight";
constexpr std::string_view kPriorityAnnotation = "steelyard.dev/priority";
constexpr std::string_view kEvictable = "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes";
constexpr int64_t kDefaultGrace = 30;  // Kubernetes' terminationGracePeriodSeconds

Outcome skipped(std::string reason, std::string message, bool remarkable = false) {
    Outcome outcome{Decision::skip, std::move(reason), std::move(message), {}, remarkable, false, Json::array()};
    if (remarkable) outcome.warnings.push_back("steelyard: " + outcome.message);
    return outcome;
}

Outcome refused(std::string reason, const std::string& problem) {
    return {Decision::refuse,
            std::move(reason),
            problem + "; mend it, or label the pod " + std::string(kInjectLabel) + ": disabled",
            {},
            true,
            false,
            Json::array()};
}

Outcome not_ready(std::string reason, const std::string& problem) {
    return {
        Decision::refuse, std::move(reason), problem + "; the pod can be created once that is mended", {}, true, true,
        Json::array()};
}

// A decision that is clear before the pod's wishes are read.
std::optional<Outcome> before_wishes(const Json& pod, const Namespace& ns) {
    const Json* spec = member(pod, "spec");
    const Json* metadata = member(pod, "metadata");
    if (metadata == nullptr || !metadata->is_object() || spec == nullptr || !spec->is_object() ||
        list_of(*spec, "containers").empty())
        return refused("MalformedPod", "metadata or spec.containers is not there: this is no pod");
    if (ns.name == "kube-system" || ns.name == "kube-public" || ns.name == "kube-node-lease")
        return skipped("SystemNamespace", "pods of " + ns.name + " are never injected");
    if (metadata_text(pod, "annotations", "kubernetes.io/config.mirror"))
        return skipped("StaticPod", "a static pod's mirror cannot be changed");
    const auto label = metadata_text(pod, "labels", kInjectLabel);
    if (label == "disabled") return skipped("OptedOut", "the pod's label says so");
    if (label && label != "enabled")
        return refused("InvalidLabel", "label " + std::string(kInjectLabel) + ": '" + config::shown(*label) +
                                           "' is neither enabled nor disabled");
    if (!label && ns.labels) {
        const auto of_namespace = ns.labels->find(std::string(kInjectLabel));
        if (of_namespace == ns.labels->end() || of_namespace->second != "enabled")
            return skipped("NotOptedIn",
                           "neither the pod nor its namespace is labelled " + std::string(kInjectLabel) + ": enabled");
    }
    return std::nullopt;
}

// Whether the sidecar is there, or something else that has its name.
std::optional<Outcome> name_taken(const Json& pod) {
    const bool marked = metadata_text(pod, "annotations", kStatusAnnotation).has_value();
    for (const ContainerRef& container : containers_of(pod)) {
        if (container.name != kSidecarName && container.name != kCaptureName) continue;
        if (marked && container.name == kSidecarName) return skipped("AlreadyInjected", "the pod has its sidecar");
        if (!marked) return refused("NameClash", container.place + ".name: is a name that the injection uses");
    }
    for (const auto volume : {kStateVolume, kTokenVolume}) {
        if (has_volume(pod, volume))
            return refused("NameClash",
                           "spec.volumes: has a volume " + std::string(volume) + ", a name that the injection uses");
    }
    return std::nullopt;
}

std::optional<Outcome> unsuitable(const Json& pod) {
    const Json& spec = *member(pod, "spec");
    if (is_true(spec, "hostNetwork"))
        return skipped("HostNetwork",
                       "a pod with hostNetwork: true shares its node's ports and packet rules and is not injected",
                       true);
    if (is_windows(pod)) return skipped("Windows", "a pod for Windows nodes is not injected", true);
    return std::nullopt;
}

Result<Wishes> read_wishes(const Json& pod, const Namespace& ns, std::vector<std::string>& warnings) {
    Wishes wishes;
    if (const auto text = metadata_text(pod, "annotations", kUpstreamsAnnotation)) {
        auto parsed = parse_upstreams(*text, ns.name);
        if (!parsed) return parsed.error();
        wishes.upstreams = std::move(*parsed);
    }
    const auto read = [&](std::string_view name, auto parse, std::vector<std::string>& out) -> Result<void> {
        const auto text = metadata_text(pod, "annotations", name);
        if (!text) return {};
        auto parsed = parse(*text);
        if (!parsed) return parsed.error();
        out = std::move(*parsed);
        if (!wishes.captures())
            warnings.push_back("steelyard: annotation " + std::string(name) + " has no effect beside " +
                               std::string(kUpstreamsAnnotation));
        return {};
    };
    if (auto done = read(kExcludePortsAnnotation, parse_exclude_ports, wishes.exclude_ports); !done)
        return done.error();
    if (auto done = read(kExcludeCidrsAnnotation, parse_exclude_cidrs, wishes.exclude_cidrs); !done)
        return done.error();
    return wishes;
}

void warn_of_unknown_annotations(const Json& pod, std::vector<std::string>& warnings) {
    constexpr std::array<std::string_view, 6> kKnown{kUpstreamsAnnotation,    kExcludePortsAnnotation,
                                                     kExcludeCidrsAnnotation, kStatusAnnotation,
                                                     kWeightAnnotation,       kPriorityAnnotation};
    const Json* annotations = member(pod, {"metadata", "annotations"});
    if (annotations == nullptr || !annotations->is_object()) return;
    for (const auto& [name, value] : annotations->items()) {
        if (!std::string_view(name).starts_with(kPrefix)) continue;
        if (std::find(kKnown.begin(), kKnown.end(), name) != kKnown.end()) continue;
        warnings.push_back("steelyard: annotation " + config::shown(name) +
                           (name == kInjectLabel ? " is ignored: it is a label"
                                                 : " is not known on a pod (upstreams, exclude-ports, exclude-cidrs, "
                                                   "weight, priority) and is ignored"));
        if (warnings.size() >= 8) return;
    }
}

// A port of the pod that the sidecar needs for itself.
std::optional<Outcome> port_clash(const Json& pod, const Wishes& wishes) {
    for (const TcpPort& own : tcp_ports(pod)) {
        const bool sidecars =
            own.port == kAdminPort || own.port == kMetricsPort || (own.port == kCapturePort && wishes.captures());
        if (sidecars)
            return refused("PortClash", own.place + ": " + std::to_string(own.port) +
                                            " is a port of the sidecar (9901, 9902" +
                                            (wishes.captures() ? ", 15001)" : ")"));
        for (size_t i = 0; i < wishes.upstreams.size(); ++i) {
            if (wishes.upstreams[i].listen != own.port || wishes.upstreams[i].udp) continue;
            return refused("InvalidAnnotation", "annotation " + std::string(kUpstreamsAnnotation) + ": item " +
                                                    std::to_string(i + 1) + " '" + wishes.upstreams[i].flag() +
                                                    "': port " + std::to_string(own.port) + " is taken by " +
                                                    own.place);
        }
    }
    return std::nullopt;
}

std::optional<Outcome> cannot_capture(const Json& pod, const InjectConfig& config,
                                      const std::vector<std::string>& service_cidrs) {
    if (!config.capture_enabled)
        return skipped("CaptureDisabled",
                       "transparent capture is off in this cluster and the pod has no annotation " +
                           std::string(kUpstreamsAnnotation) + "; it is not injected",
                       true);
    if (const std::string place = who_runs_as(pod, config.proxy_uid); !place.empty())
        return refused("UidClash", place + ": " + std::to_string(config.proxy_uid) +
                                       " is the uid of the proxy, by which its own traffic is told from the pod's; use "
                                       "another, or annotation " +
                                       std::string(kUpstreamsAnnotation));
    if (service_cidrs.empty())
        return not_ready("NoServiceCIDR",
                         "the controller does not know the cluster's Service networks yet (no "
                         "ServiceCIDR in the API, no capture.serviceCIDRs in its configuration)");
    return std::nullopt;
}

void warn_of_surprises(const Json& pod, const Wishes& wishes, const InjectConfig& config,
                       std::vector<std::string>& warnings) {
    const int64_t unprivileged = first_unprivileged_port(pod);
    for (const auto& upstream : wishes.upstreams) {
        if (upstream.listen >= unprivileged) continue;
        warnings.push_back("steelyard: the sidecar is not root and may not be let listen on port " +
                           std::to_string(upstream.listen) + " (" + std::string(kUpstreamsAnnotation) +
                           "); use one from 1024 on, or sysctl net.ipv4.ip_unprivileged_port_start");
        break;
    }
    const std::string_view dns = text_of(*member(pod, "spec"), "dnsPolicy");
    const std::string host = url_host(config.controller_url);
    const bool by_name =
        host.find_first_not_of("0123456789.") != std::string::npos && host.find(':') == std::string::npos;
    if (by_name && (dns == "Default" || dns == "None"))
        warnings.push_back("steelyard: with dnsPolicy: " + std::string(dns) +
                           " the sidecar may not find its controller " + config::shown(host) +
                           ", and the pod would not start");
}

// --- the patch --------------------------------------------------------------------------------------------------------
class Patch {
public:
    explicit Patch(const Json& pod) : pod_(pod) {}

    void annotate(std::string_view name, const std::string& value) {
        if (annotations_exist()) {
            add("/metadata/annotations/" + pointer_token(name), value);
        } else {
            add("/metadata/annotations", Json{{std::string(name), value}});
            annotations_made_ = true;
        }
    }
    // In front of what is there.
    void prepend(const char* list, Json items) {
        const std::string path = std::string("/spec/") + list;
        if (!exists(list)) return add(path, std::move(items));
        for (size_t i = 0; i < items.size(); ++i) add(path + "/" + std::to_string(i), std::move(items[i]));
    }
    void append(const char* list, Json items) {
        const std::string path = std::string("/spec/") + list;
        if (!exists(list)) return add(path, std::move(items));
        for (Json& item : items) add(path + "/-", std::move(item));
    }
    Json take() { return std::move(operations_); }

private:
    bool exists(const char* list) const {
        const Json* found = member(pod_, {"spec", list});
        return found != nullptr && found->is_array();
    }
    bool annotations_exist() const {
        const Json* found = member(pod_, {"metadata", "annotations"});
        return annotations_made_ || (found != nullptr && found->is_object());
    }
    void add(const std::string& path, Json value) {
        operations_.push_back({{"op", "add"}, {"path", path}, {"value", std::move(value)}});
    }

    const Json& pod_;
    Json operations_ = Json::array();
    bool annotations_made_ = false;
};

Json make_patch(const Json& pod, const Wishes& wishes, const InjectConfig& config,
                const std::vector<std::string>& service_cidrs, std::string_view ca_pem) {
    const int64_t grace = whole_of(*member(pod, "spec"), "terminationGracePeriodSeconds").value_or(kDefaultGrace);
    Patch patch(pod);
    patch.annotate(kStatusAnnotation, status_text(wishes, config, ca_pem));
    // An emptyDir keeps the cluster autoscaler from moving a pod, unless it is told that this one holds nothing of value.
    std::string evictable(metadata_text(pod, "annotations", kEvictable).value_or(""));
    evictable += (evictable.empty() ? "" : ",") + std::string(kStateVolume);
    patch.annotate(kEvictable, evictable);
    Json init = Json::array();
    if (wishes.captures()) init.push_back(capture_container(wishes, config, service_cidrs));
    init.push_back(sidecar_container(wishes, config, ca_pem, grace));
    patch.prepend("initContainers", std::move(init));
    patch.append("volumes", injected_volumes(config));
    return patch.take();
}

}  // namespace

Outcome mutate(const Json& pod, const Namespace& ns, const InjectConfig& config,
               const std::vector<std::string>& discovered_cidrs, std::string_view ca_pem) {
    if (auto outcome = before_wishes(pod, ns)) return *outcome;
    if (auto outcome = name_taken(pod)) return *outcome;
    if (auto outcome = unsuitable(pod)) return *outcome;
    std::vector<std::string> warnings;
    const auto wishes = read_wishes(pod, ns, warnings);
    if (!wishes) return refused("InvalidAnnotation", wishes.error().to_string());
    warn_of_unknown_annotations(pod, warnings);
    const auto& service_cidrs = config.service_cidrs.empty() ? discovered_cidrs : config.service_cidrs;
    std::optional<Outcome> obstacle;
    if (wishes->captures()) obstacle = cannot_capture(pod, config, service_cidrs);
    if (!obstacle) obstacle = port_clash(pod, *wishes);
    if (!obstacle && ca_pem.empty() && config.controller_url.starts_with("wss://"))
        obstacle = not_ready("NoCertificateAuthority", "the controller has no certificate authority yet");
    if (obstacle) {
        obstacle->warnings.insert(obstacle->warnings.end(), warnings.begin(), warnings.end());
        return *obstacle;
    }
    warn_of_surprises(pod, *wishes, config, warnings);
    Outcome outcome;
    outcome.decision = Decision::inject;
    outcome.reason = "Injected";
    outcome.message = status_text(*wishes, config, ca_pem);
    outcome.warnings = std::move(warnings);
    outcome.patch = make_patch(pod, *wishes, config, service_cidrs, ca_pem);
    return outcome;
}

}  // namespace steelyard::inject
