#include "controller/loadbalancer/plan.hpp"

#include <algorithm>

#include "common/json/read.hpp"
#include "controller/kube/client.hpp"
#include "controller/loadbalancer/advertisements.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;

bool is_ours(const json& entry) {
    return entry.is_object() && text_of(entry, "ipMode") == "Proxy" && !text_of(entry, "ip").empty();
}

class Plan {
public:
    Plan(const json& object, const Wanted& wanted)
        : wanted_(wanted),
          meta_(object_of(object, "metadata")),
          spec_(object_of(object, "spec")),
          ingress_(list_of(object_of(object_of(object, "status"), "loadBalancer"), "ingress")) {}

    std::optional<Write> next() const {
        if (text_of(meta_, "name").empty() || text_of(meta_, "uid") != wanted_.uid) return std::nullopt;
        return wanted_.addresses.empty() ? release() : assign();
    }

private:
    bool has_finalizer() const {
        const auto& all = list_of(meta_, "finalizers");
        return std::find(all.begin(), all.end(), kube::kVipFinalizer) != all.end();
    }
    std::string_view annotation() const { return text_of(object_of(meta_, "annotations"), kube::kRouterIdAnnotation); }
    std::string target() const {
        return "/api/v1/namespaces/" + std::string(text_of(meta_, "namespace")) + "/services/" +
               std::string(text_of(meta_, "name"));
    }
    // What somebody else wrote meanwhile is a conflict, and looked at anew.
    json seen() const { return {{"resourceVersion", text_of(meta_, "resourceVersion")}}; }

    std::optional<Write> assign() const {
        const bool deleted = meta_.contains("deletionTimestamp");
        if (deleted || text_of(spec_, "type") != "LoadBalancer") return std::nullopt;
        const std::string id = std::to_string(wanted_.router_id);
        if (!has_finalizer() || annotation() != id) {
            json meta = seen();
            meta["finalizers"] = json::array({kube::kVipFinalizer});
            meta["annotations"] = {{kube::kRouterIdAnnotation, id}};
            return Write{target(), kube::kStrategicMergePatch, json{{"metadata", std::move(meta)}}.dump()};
        }
        return status();
    }

    std::optional<Write> release() const {
        if (!has_finalizer()) return std::nullopt;
        if (auto write = status()) return write;
        json meta = seen();
        meta["$deleteFromPrimitiveList/finalizers"] = json::array({kube::kVipFinalizer});
        meta["annotations"] = {{kube::kRouterIdAnnotation, nullptr}};
        return Write{target(), kube::kStrategicMergePatch, json{{"metadata", std::move(meta)}}.dump()};
    }

    std::optional<Write> status() const {
        json entries = json::array();
        for (const json& entry : ingress_) {
            if (!is_ours(entry)) entries.push_back(entry);
        }
        std::vector<std::string> there;
        for (const json& entry : ingress_) {
            if (is_ours(entry)) there.emplace_back(text_of(entry, "ip"));
        }
        if (there == wanted_.addresses) return std::nullopt;
        for (const std::string& ip : wanted_.addresses) entries.push_back({{"ip", ip}, {"ipMode", "Proxy"}});
        const json patch = {{"metadata", seen()}, {"status", {{"loadBalancer", {{"ingress", std::move(entries)}}}}}};
        return Write{target() + "/status", kube::kMergePatch,
                     patch.dump(-1, ' ', false, json::error_handler_t::replace)};
    }

    const Wanted& wanted_;
    const json& meta_;
    const json& spec_;
    const json::array_t& ingress_;
};

}  // namespace

bool differs(const kube::Service& seen, const Wanted& wanted) {
    const bool has_finalizer = seen.balancer && seen.balancer->has_finalizer();
    if (wanted.addresses.empty()) return has_finalizer;
    return !has_finalizer || router_id_of(seen) != wanted.router_id || addresses_of(seen) != wanted.addresses;
}

std::optional<Write> next_write(std::string_view object, const Wanted& wanted) {
    const json parsed = parse_json(object);
    if (!parsed.is_object()) return std::nullopt;
    return Plan(parsed, wanted).next();
}

}  // namespace steelyard::loadbalancer
