#pragma once
// What is added to a pod, as Kubernetes objects. Pure. docs/sidecar.md gives the reason for each line.
#include <string>
#include <string_view>
#include <vector>

#include "controller/inject/annotations.hpp"
#include "controller/inject/config.hpp"
#include "controller/inject/json.hpp"

namespace steelyard::inject {

// What the pod asks for.
struct Wishes {
    std::vector<DeclaredUpstream> upstreams;  // none: transparent capture
    std::vector<std::string> exclude_ports, exclude_cidrs;

    bool captures() const { return upstreams.empty(); }
};

// The native sidecar. `grace_s`: the pod's terminationGracePeriodSeconds, which its drain time-out does not exceed.
Json sidecar_container(const Wishes& wishes, const InjectConfig& config, std::string_view ca_pem, int64_t grace_s);
// The init container that redirects the pod's Service traffic to the sidecar.
Json capture_container(const Wishes& wishes, const InjectConfig& config, const std::vector<std::string>& service_cidrs);
// emptyDir for the last good configuration, and the token that the proxy shows to the controller.
Json injected_volumes(const InjectConfig& config);
// "injected mode=capture template=9f86d081884c7d65": pods with an older template show another hash.
std::string status_text(const Wishes& wishes, const InjectConfig& config, std::string_view ca_pem);

}  // namespace steelyard::inject
