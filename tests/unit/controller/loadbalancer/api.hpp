#pragma once
// A Service as an API server keeps it, for tests: patches are applied as it would, with its resource version.
#include <algorithm>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "controller/kube/client.hpp"

namespace steelyard::loadbalancer {

inline nlohmann::json balanced_service(const std::string& name = "web") {
    return {{"metadata",
             {{"namespace", "shop"},
              {"name", name},
              {"uid", "0b"},
              {"resourceVersion", "1"},
              {"creationTimestamp", "2026-01-01T00:00:00Z"}}},
            {"spec",
             {{"type", "LoadBalancer"},
              {"loadBalancerClass", "steelyard.dev/vip"},
              {"ipFamilies", {"IPv4"}},
              {"ports", nlohmann::json::array({{{"port", 80}, {"protocol", "TCP"}}})}}},
            {"status", {{"loadBalancer", nlohmann::json::object()}}}};
}

// False: a conflict.
inline bool apply(nlohmann::json& object, const std::string& body, std::string_view content) {
    nlohmann::json patch = nlohmann::json::parse(body);
    nlohmann::json& meta = object["metadata"];
    if (patch["metadata"].value("resourceVersion", "") != meta["resourceVersion"]) return false;
    if (content == kube::kStrategicMergePatch) {
        nlohmann::json& all = meta["finalizers"];
        if (!all.is_array()) all = nlohmann::json::array();
        for (const auto& one : patch["metadata"].value("finalizers", nlohmann::json::array())) {
            if (std::find(all.begin(), all.end(), one) == all.end()) all.push_back(one);
        }
        for (const auto& one : patch["metadata"].value("$deleteFromPrimitiveList/finalizers", nlohmann::json::array()))
            all.erase(std::remove(all.begin(), all.end(), one), all.end());
        patch["metadata"].erase("finalizers");
        patch["metadata"].erase("$deleteFromPrimitiveList/finalizers");
    }
    object.merge_patch(patch);
    object["metadata"]["resourceVersion"] =
        std::to_string(std::stoi(object["metadata"]["resourceVersion"].get<std::string>()) + 1);
    return true;
}

}  // namespace steelyard::loadbalancer
