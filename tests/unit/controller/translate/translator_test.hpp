#pragma once
// Objects of namespace shop for tests of the translator, and what a proxy makes of its updates.
#include <gtest/gtest.h>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "controller/translate/translator.hpp"

namespace steelyard::translate {

inline kube::Service service(const std::string& name, std::vector<std::string> ports = {"http"}) {
    kube::Service made;
    made.meta = {"shop", name, "1", {}};
    for (size_t i = 0; i < ports.size(); ++i)
        made.ports.push_back({ports[i], static_cast<int64_t>(80 + i), {}, "TCP", ""});
    return made;
}

inline kube::EndpointSlice slice(const std::string& name, const std::string& of, std::vector<std::string> pods,
                                 std::vector<std::string> ports = {"http"}) {
    kube::EndpointSlice made;
    made.meta = {"shop", name, "1", {}};
    made.service_name = of;
    made.address_type = "IPv4";
    for (size_t i = 0; i < ports.size(); ++i)
        made.ports.push_back({ports[i], static_cast<int64_t>(8000 + i), "TCP", ""});
    for (const std::string& pod : pods) {
        kube::SliceEndpoint endpoint;
        endpoint.address = "10.0.0." + std::to_string(1 + std::hash<std::string>{}(pod) % 250);
        endpoint.pod_ns = "shop";
        endpoint.pod_name = pod;
        made.endpoints.push_back(endpoint);
    }
    return made;
}

inline kube::Pod pod(const std::string& name, const std::string& weight) {
    kube::Pod made;
    made.meta = {"shop", name, "1", {}};
    if (!weight.empty()) made.meta.annotations["steelyard.dev/weight"] = weight;
    return made;
}

inline kube::LoadBalancingPolicy policy(const std::string& name, std::vector<policy::Target> targets,
                                        config::Algorithm algorithm = config::Algorithm::random) {
    kube::LoadBalancingPolicy made;
    made.meta = {"shop", name, "1", {}};
    made.spec.targets = std::move(targets);
    made.spec.algorithm = algorithm;
    return made;
}

inline std::string text(const config::ResourceKey& key) {
    return key.kind + " " + key.name + (key.slice.empty() ? "" : " " + key.slice);
}

// A proxy's view: what the updates add up to.
struct Mirror {
    std::map<config::ResourceKey, config::Resource> resources;
    std::map<std::string, std::vector<Problem>> problems;
    std::map<std::string, std::vector<kube::Condition>> policies;

    void apply(const Update& update) {
        for (const auto& resource : update.upsert) resources.insert_or_assign(config::key_of(resource), resource);
        for (const auto& key : update.remove) EXPECT_EQ(resources.erase(key), 1U) << text(key) << " was never there";
        for (const auto& told : update.services) {
            problems[told.service.to_string()] = told.problems;
            if (told.problems.empty()) problems.erase(told.service.to_string());
        }
        for (const auto& status : update.policies) {
            policies[status.policy.to_string()] = status.conditions;
            if (status.conditions.empty()) policies.erase(status.policy.to_string());
        }
    }
    friend bool operator==(const Mirror&, const Mirror&) = default;
};

}  // namespace steelyard::translate
