#pragma once
// Services as an API server keeps them, for tests: patches are applied as it would, with their resource version.
#include <algorithm>
#include <iterator>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "tests/unit/support/refusing_client.hpp"

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

// The Services of namespace shop, written to by somebody else as well. Thread-safe.
class FakeServices final : public test::RefusingClient {
public:
    Answer get(const std::string& target, const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        ++gets_;
        if (down_) return kube::ApiError{kube::ApiErrorKind::unreachable, 0, "nobody there"};
        if (target.starts_with("/api/v1/services?")) return page(target);
        if (!services_.contains(target)) return kNone;
        return services_[target].dump();
    }
    Answer patch(const std::string& target, const std::string& body, std::string_view type,
                 const std::stop_token&) override {
        const std::lock_guard lock(mutex_);
        const std::string name = target.ends_with("/status") ? target.substr(0, target.size() - 7) : target;
        if (refused_ && name.ends_with(*refused_)) return kube::ApiError{kube::ApiErrorKind::forbidden, 403, "denied"};
        if (!services_.contains(name)) return kNone;
        nlohmann::json& object = services_[name];
        if (others_ > 0) {  // somebody else is faster
            --others_;
            object["metadata"]["resourceVersion"] = std::to_string(1000 + others_);
        }
        if (!apply(object, body, type)) return kube::ApiError{kube::ApiErrorKind::conflict, 409, "it was modified"};
        return object.dump();
    }

    void add(const std::string& name, nlohmann::json object) {
        const std::lock_guard lock(mutex_);
        services_[kPath + name] = std::move(object);
    }
    void remove(const std::string& name) {
        const std::lock_guard lock(mutex_);
        services_.erase(kPath + name);
    }
    nlohmann::json read(const std::string& name) {
        const std::lock_guard lock(mutex_);
        return services_.at(kPath + name);
    }
    int gets() {
        const std::lock_guard lock(mutex_);
        return gets_;
    }
    // Full lists: their first pages.
    int lists() {
        const std::lock_guard lock(mutex_);
        return lists_;
    }
    void set(int others, std::optional<std::string> refused = {}, bool down = false) {
        const std::lock_guard lock(mutex_);
        others_ = others;
        refused_ = std::move(refused);
        down_ = down;
    }

private:
    static inline const std::string kPath = "/api/v1/namespaces/shop/services/";
    static inline const kube::ApiError kNone{kube::ApiErrorKind::not_found, 404, "no such Service"};

    // One Service a page.
    std::string page(const std::string& target) {
        const size_t at = target.find("continue=");
        const size_t index = at == std::string::npos ? 0 : std::stoul(target.substr(at + 9));
        if (index == 0) ++lists_;
        nlohmann::json list = {{"metadata", {{"resourceVersion", "9"}}}, {"items", nlohmann::json::array()}};
        if (index < services_.size())
            list["items"].push_back(std::next(services_.begin(), static_cast<long>(index))->second);
        if (index + 1 < services_.size()) list["metadata"]["continue"] = std::to_string(index + 1);
        return list.dump();
    }

    std::mutex mutex_;
    std::map<std::string, nlohmann::json> services_;
    int gets_ = 0, lists_ = 0;
    int others_ = 0;
    std::optional<std::string> refused_;
    bool down_ = false;
};

}  // namespace steelyard::loadbalancer
