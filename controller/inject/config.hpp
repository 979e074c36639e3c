#pragma once
// How pods are injected: the file that the chart mounts (inject.yaml). Read strictly: an unknown key and a value that is wrong are
// named with their path, and nothing of the file comes into force. Pure.
//
//   image: steelyard/sidecar:0.1.0                 required
//   imagePullPolicy: IfNotPresent                  Always, IfNotPresent (default), Never
//   controllerURL: wss://steelyard-controller.steelyard-system.svc:9443/push     required; ws:// or wss://
//   proxyUID: 64832                                1-2147483647; the uid and gid that the proxy runs as
//   tokenAudience: steelyard                       of the token that the proxy shows to the controller
//   capture: {enabled: true, serviceCIDRs: [], excludePorts: [], excludeCIDRs: []}   no serviceCIDRs: the cluster is asked
//   resources: {requests: {...}, limits: {...}}    of the sidecar, as a container has them
//   logLevel: info, logFormat: text, drainTimeout: 30s
//   accessLog: {enabled: false, sample: 1}         of the sidecar, as JSON to its standard output; sample: the share of what succeeds
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::inject {

struct InjectConfig {
    std::string image;
    std::string image_pull_policy = "IfNotPresent";
    std::string controller_url;
    int64_t proxy_uid = 64832;
    std::string token_audience = "steelyard";
    bool capture_enabled = true;
    std::vector<std::string> service_cidrs;  // canonical; these three too
    std::vector<std::string> exclude_ports;
    std::vector<std::string> exclude_cidrs;
    std::string resources;  // a JSON object, "" = none
    std::string log_level = "info";
    std::string log_format = "text";
    uint32_t drain_timeout_s = 30;
    bool access_log_enabled = false;
    std::string access_log_sample = "1";  // as --access-log-sample takes it

    friend bool operator==(const InjectConfig&, const InjectConfig&) = default;
};

// The error's `where` is the path within the file ("capture.serviceCIDRs[1]"); its problem also counts what else is wrong.
Result<InjectConfig> parse_inject_config(std::string_view yaml);

// The host of a ws:// or wss:// URL without brackets, "" if it is no such URL.
std::string url_host(std::string_view url);

}  // namespace steelyard::inject
