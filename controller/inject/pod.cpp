#include "controller/inject/pod.hpp"

#include <charconv>

#include "common/config/problems.hpp"

namespace steelyard::inject {

std::vector<ContainerRef> containers_of(const Json& pod) {
    std::vector<ContainerRef> result;
    const Json* spec = member(pod, "spec");
    if (spec == nullptr) return result;
    for (const std::string_view kind : {"initContainers", "containers"}) {
        size_t index = 0;
        for (const Json& one : list_of(*spec, kind)) {
            const std::string_view name = text_of(one, "name");
            result.push_back(
                {"spec." + std::string(kind) + "[" + std::to_string(index++) + "] (" + config::shown(name) + ")", name,
                 &one});
        }
    }
    return result;
}

std::optional<std::string_view> metadata_text(const Json& pod, std::string_view map, std::string_view name) {
    const Json* found = member(pod, {"metadata", map, name});
    if (found == nullptr || !found->is_string()) return std::nullopt;
    return std::string_view(found->get_ref<const std::string&>());
}

bool has_volume(const Json& pod, std::string_view name) {
    const Json* spec = member(pod, "spec");
    if (spec == nullptr) return false;
    for (const Json& volume : list_of(*spec, "volumes")) {
        if (text_of(volume, "name") == name) return true;
    }
    return false;
}

bool is_windows(const Json& pod) {
    const Json* os = member(pod, {"spec", "os"});
    const Json* selector = member(pod, {"spec", "nodeSelector"});
    return (os != nullptr && text_of(*os, "name") == "windows") ||
           (selector != nullptr && text_of(*selector, "kubernetes.io/os") == "windows");
}

std::vector<TcpPort> tcp_ports(const Json& pod) {
    std::vector<TcpPort> result;
    for (const ContainerRef& container : containers_of(pod)) {
        size_t index = 0;
        for (const Json& one : list_of(*container.json, "ports")) {
            const std::string place = container.place + ".ports[" + std::to_string(index++) + "].containerPort";
            const std::string_view protocol = text_of(one, "protocol");
            const auto port = whole_of(one, "containerPort");
            if (port && (protocol.empty() || protocol == "TCP")) result.push_back({place, container.name, *port});
        }
    }
    return result;
}

std::string who_runs_as(const Json& pod, int64_t uid) {
    const Json* of_pod = member(pod, {"spec", "securityContext"});
    if (of_pod != nullptr && whole_of(*of_pod, "runAsUser") == uid) return "spec.securityContext.runAsUser";
    for (const ContainerRef& container : containers_of(pod)) {
        const Json* own = member(*container.json, "securityContext");
        if (own != nullptr && whole_of(*own, "runAsUser") == uid) return container.place + ".securityContext.runAsUser";
    }
    return {};
}

int64_t first_unprivileged_port(const Json& pod) {
    const Json* context = member(pod, {"spec", "securityContext"});
    if (context == nullptr) return 1024;
    for (const Json& sysctl : list_of(*context, "sysctls")) {
        if (text_of(sysctl, "name") != "net.ipv4.ip_unprivileged_port_start") continue;
        const std::string_view value = text_of(sysctl, "value");
        int64_t port = 1024;
        std::from_chars(value.data(), value.data() + value.size(), port);
        return port;
    }
    return 1024;
}

}  // namespace steelyard::inject
