#pragma once
// What tests ask of an injected pod.
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "controller/inject/json.hpp"
#include "controller/inject/mutate.hpp"

namespace steelyard::inject::testing_support {

inline constexpr const char* kUsualConfig = R"({
    "image": "steelyard/sidecar:1.2.3",
    "controllerURL": "wss://steelyard-controller.steelyard-system.svc:9443/push",
    "capture": {"serviceCIDRs": ["10.96.0.0/16"]},
    "resources": {"requests": {"cpu": "10m", "memory": "32Mi"}, "limits": {"memory": "128Mi"}}
})";

// The pod with the patch applied, through unordered JSON: nlohmann's patch() needs it; members keep the pod's order as far as they can.
inline Json applied(const Json& pod, const Json& patch) {
    Json result = pod;
    for (const Json& operation : patch) {
        EXPECT_EQ(operation.at("op"), "add");
        const Json::json_pointer pointer(operation.at("path").get<std::string>());
        const Json& value = operation.at("value");
        Json& parent = result.at(pointer.parent_pointer());
        const std::string last = pointer.back();
        if (parent.is_object()) {
            parent[last] = value;
        } else if (last == "-") {
            parent.push_back(value);
        } else {
            const size_t index = std::stoul(last);
            EXPECT_LE(index, parent.size());
            parent.insert(parent.begin() + static_cast<Json::difference_type>(index), value);
        }
    }
    return result;
}

inline void expect_unique(const Json& list, std::string_view what, std::set<std::string>& seen) {
    for (const Json& one : list)
        EXPECT_TRUE(seen.insert(std::string(text_of(one, "name"))).second) << what << ' ' << text_of(one, "name");
}

// What the API server would refuse, as far as the injection could be its cause; and what the injection promises.
inline void expect_valid(const Json& before, const Json& after) {
    const Json& spec = after.at("spec");
    std::set<std::string> containers;
    expect_unique(Json(list_of(spec, "initContainers")), "container", containers);
    expect_unique(Json(list_of(spec, "containers")), "container", containers);
    std::set<std::string> volumes;
    expect_unique(Json(list_of(spec, "volumes")), "volume", volumes);
    for (const Json& container : list_of(spec, "initContainers")) {
        for (const Json& port : list_of(container, "ports")) EXPECT_LE(text_of(port, "name").size(), 15U);
        if (!text_of(container, "name").starts_with("steelyard-")) continue;
        for (const Json& mount : list_of(container, "volumeMounts"))
            EXPECT_TRUE(volumes.count(std::string(text_of(mount, "name")))) << text_of(mount, "name");
    }
    // The pod's own are all there, unchanged and in their order, behind ours.
    const auto own = [](const Json& pod, const char* list) {
        Json result = Json::array();
        for (const Json& one : list_of(pod.at("spec"), list))
            if (!text_of(one, "name").starts_with("steelyard-")) result.push_back(one);
        return result;
    };
    for (const char* list : {"initContainers", "containers", "volumes"}) EXPECT_EQ(own(before, list), own(after, list));
    const auto& init = list_of(spec, "initContainers");
    const size_t sidecar = text_of(init.at(0), "name") == kCaptureName ? 1 : 0;
    EXPECT_EQ(text_of(init.at(sidecar), "name"), kSidecarName);
    EXPECT_EQ(text_of(init.at(sidecar), "restartPolicy"), "Always");
}

}  // namespace steelyard::inject::testing_support
