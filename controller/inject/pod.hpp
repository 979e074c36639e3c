#pragma once
// Questions about a pod that the injection depends on. Tolerant of every shape: the API server checks the rest. Source: core/v1 Pod.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/inject/json.hpp"

namespace steelyard::inject {

struct ContainerRef {
    std::string place;  // "spec.initContainers[0] (migrate)"
    std::string_view name;
    const Json* json = nullptr;
};

// Init containers, then containers.
std::vector<ContainerRef> containers_of(const Json& pod);

// A label or annotation (`map` is "labels" or "annotations"), nullopt if there is none.
std::optional<std::string_view> metadata_text(const Json& pod, std::string_view map, std::string_view name);

bool has_volume(const Json& pod, std::string_view name);
bool is_windows(const Json& pod);

struct TcpPort {
    std::string place;  // "spec.containers[0] (app).ports[1].containerPort"
    std::string_view container;
    int64_t port = 0;
};
// The containerPorts that are not UDP or SCTP.
std::vector<TcpPort> tcp_ports(const Json& pod);

// Where the pod says that something of it runs as `uid`, or "". What an image says is not known here.
std::string who_runs_as(const Json& pod, int64_t uid);

// From which port on the pod's processes may listen without being root (net.ipv4.ip_unprivileged_port_start), as far as it says.
int64_t first_unprivileged_port(const Json& pod);

}  // namespace steelyard::inject
