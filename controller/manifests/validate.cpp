#include "controller/manifests/validate.hpp"

#include <algorithm>
#include <array>
#include <set>
#include <string_view>
#include <utility>

#include "controller/manifests/fields.hpp"

namespace steelyard::manifests {
namespace {

constexpr size_t kMaxLabel = 63;
constexpr size_t kMaxSubdomain = 253;
constexpr size_t kMaxSlicePorts = 100;

bool is_alphanumeric(char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); }

bool is_label(std::string_view text) {
    return !text.empty() && text.size() <= kMaxLabel && is_alphanumeric(text.front()) && is_alphanumeric(text.back()) &&
           std::all_of(text.begin(), text.end(), [](char c) { return is_alphanumeric(c) || c == '-'; });
}

bool is_subdomain(std::string_view text) {
    if (text.size() > kMaxSubdomain) return false;
    for (;;) {
        const size_t dot = text.find('.');
        if (const std::string_view part = text.substr(0, dot); !is_label(part)) return false;
        if (dot == std::string_view::npos) return true;
        text.remove_prefix(dot + 1);
    }
}

bool is_port(int64_t number) { return number >= 1 && number <= 65535; }

std::string quoted(std::string_view text) { return "'" + config::shown(text) + "'"; }

void check_name(const kube::ObjectMeta& meta, bool label, const Path& path, kube::Problems& problems) {
    if (meta.name.empty()) {
        add_problem(problems, path / "name", "is missing");
    } else if (!(label ? is_label(meta.name) : is_subdomain(meta.name))) {
        add_problem(problems, path / "name",
                    quoted(meta.name) + " is not a name (lower case letters, digits and '-'" +
                        (label ? ", at most 63)" : "; parts joined by '.', at most 253)"));
    }
}

void check_meta(const kube::ObjectMeta& meta, bool label, kube::Problems& problems) {
    const Path root;
    const Path path = root / "metadata";
    check_name(meta, label, path, problems);
    if (!is_label(meta.ns)) {
        add_problem(problems, path / "namespace",
                    quoted(meta.ns) + " is not a name (lower case letters, digits and '-', at most 63)");
    }
}

void check_cluster_meta(const kube::ObjectMeta& meta, kube::Problems& problems) {
    const Path root;
    check_name(meta, false, root / "metadata", problems);
}

void check_one_of(std::string_view value, std::initializer_list<std::string_view> values, const Path& path,
                  kube::Problems& problems) {
    if (std::find(values.begin(), values.end(), value) != values.end()) return;
    std::string list;
    for (const std::string_view each : values) list += (list.empty() ? "" : ", ") + std::string(each);
    add_problem(problems, path, quoted(value) + " is none of " + list);
}

void check_port_number(int64_t number, const Path& path, kube::Problems& problems) {
    if (!is_port(number)) add_problem(problems, path, std::to_string(number) + " is not a port (1-65535)");
}

void check_service_port(const kube::ServicePort& port, bool name_required, const Path& path, kube::Problems& problems) {
    check_port_number(port.port, path / "port", problems);
    check_one_of(port.protocol, {"TCP", "UDP", "SCTP"}, path / "protocol", problems);
    if (port.name.empty() && name_required)
        add_problem(problems, path / "name", "is missing; with several ports each has a name");
    if (!port.name.empty() && !is_label(port.name)) {
        add_problem(problems, path / "name",
                    quoted(port.name) + " is not a name (lower case letters, digits and '-', at most 63)");
    }
    if (const auto* number = std::get_if<int64_t>(&port.target_port))
        check_port_number(*number, path / "targetPort", problems);
}

}  // namespace

void validate(const kube::Service& service, kube::Problems& problems) {
    check_meta(service.meta, true, problems);
    const Path root;
    const Path spec = root / "spec";
    check_one_of(service.type, {"ClusterIP", "NodePort", "LoadBalancer", "ExternalName"}, spec / "type", problems);
    check_one_of(service.session_affinity, {"None", "ClientIP"}, spec / "sessionAffinity", problems);
    const Path ports = spec / "ports";
    if (service.ports.empty() && service.type != "ExternalName" && service.cluster_ip != "None") {
        add_problem(problems, ports, "is missing; a Service has at least one port");
    }
    std::set<std::string_view> names;
    std::set<std::pair<int64_t, std::string_view>> numbers;
    for (size_t i = 0; i < service.ports.size(); ++i) {
        const kube::ServicePort& port = service.ports[i];
        const Path path = ports[i];
        check_service_port(port, service.ports.size() > 1, path, problems);
        if (!port.name.empty() && !names.insert(port.name).second) {
            add_problem(problems, path / "name", quoted(port.name) + " is the name of a port before it as well");
        }
        if (!numbers.emplace(port.port, port.protocol).second) {
            add_problem(
                problems, path / "port",
                std::to_string(port.port) + "/" + config::shown(port.protocol) + " is a port before it as well");
        }
    }
}

void validate(const kube::EndpointSlice& slice, kube::Problems& problems) {
    check_meta(slice.meta, false, problems);
    const Path root;
    check_one_of(slice.address_type, {"IPv4", "IPv6", "FQDN"}, root / "addressType", problems);
    const Path ports = root / "ports";
    if (slice.ports.size() > kMaxSlicePorts) {
        add_problem(problems, ports, std::to_string(slice.ports.size()) + " are more than 100");
    }
    std::set<std::string_view> names;
    for (size_t i = 0; i < slice.ports.size(); ++i) {
        const kube::SlicePort& port = slice.ports[i];
        const Path path = ports[i];
        if (port.port) check_port_number(*port.port, path / "port", problems);
        check_one_of(port.protocol, {"TCP", "UDP", "SCTP"}, path / "protocol", problems);
        if (!port.name.empty() && !is_label(port.name)) {
            add_problem(problems, path / "name",
                        quoted(port.name) + " is not a name (lower case letters, digits and '-', at most 63)");
        }
        if (!names.insert(port.name).second) {
            add_problem(problems, path / "name", quoted(port.name) + " is the name of a port before it as well");
        }
    }
}

void validate(const kube::Pod& pod, kube::Problems& problems) { check_meta(pod.meta, false, problems); }

// The spec was judged when it was read.
void validate(const kube::LoadBalancingPolicy& policy, kube::Problems& problems) {
    check_meta(policy.meta, false, problems);
}

void validate(const kube::AddressPool& pool, kube::Problems& problems) { check_cluster_meta(pool.meta, problems); }
void validate(const kube::VirtualIPAdvertisement& advertisement, kube::Problems& problems) {
    check_cluster_meta(advertisement.meta, problems);
}
void validate(const kube::Node& node, kube::Problems& problems) { check_cluster_meta(node.meta, problems); }

}  // namespace steelyard::manifests
