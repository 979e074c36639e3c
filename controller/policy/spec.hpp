#pragma once
// The spec of a LoadBalancingPolicy (steelyard.dev/v1alpha1; every field is described in docs/policy.md) as values. Reading is
// pure and as strict as the CustomResourceDefinition in charts/steelyard: what an API server with that schema lets in can be
// read here, and what it refuses is refused here too, for there need be no such server (--manifests) or no such schema.
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/policy.hpp"
#include "common/result.hpp"

namespace steelyard::policy {

inline constexpr std::string_view kApiVersion = "steelyard.dev/v1alpha1";
inline constexpr std::string_view kKind = "LoadBalancingPolicy";
inline constexpr size_t kMaxTargets = 16;

// A Service of the policy's own namespace, or one port of it.
struct Target {
    std::string service;
    std::string section;  // a port's name or number; empty: the whole Service

    friend bool operator==(const Target&, const Target&) = default;
};

struct ConsistentHash {
    config::HashKey key;
    uint32_t virtual_nodes = config::Policy{}.virtual_nodes;
    uint32_t table_size = config::Policy{}.table_size;
    uint32_t load_factor_percent = 0;

    friend bool operator==(const ConsistentHash&, const ConsistentHash&) = default;
};

// What is not set leaves what annotations or defaults say.
struct Spec {
    std::vector<Target> targets;
    std::optional<config::Algorithm> algorithm;
    std::optional<ConsistentHash> consistent_hash;
    std::optional<config::SlowStart> slow_start;
    std::optional<config::Locality> locality;
    std::optional<config::HealthCheck> health_check;
    std::optional<uint32_t> drain_timeout_ms;
    std::optional<config::ProxyProtocol> proxy_protocol;
    std::optional<config::UpstreamTimeouts> timeouts;
    std::optional<config::HttpPolicy> http;

    // Each field that is set takes the whole place of what was there.
    void apply(config::Policy& policy) const;

    friend bool operator==(const Spec&, const Spec&) = default;
};

// Of a field that is not known: in a cluster it is one of a newer schema than ours, in a file most likely misspelt.
enum class Unknown : uint8_t { ignore, refuse };

struct Reading {
    Spec spec;                         // what could be read; to be used only if there are no problems
    std::vector<Error> problems;       // `where` is the field's path ("spec.targetRefs[0].name"); bounded
    std::vector<std::string> ignored;  // paths of fields that are not known; bounded
};

// `spec`: the member of that name; null stands for absent.
Reading read_spec(const nlohmann::json& spec, Unknown unknown);

}  // namespace steelyard::policy
