#include "controller/loadbalancer/plan.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "controller/kube/client.hpp"
#include "controller/loadbalancer/advertisements.hpp"

namespace steelyard::loadbalancer {
namespace {

using nlohmann::json;

// The member, if it is of that type; else an empty one.
const json& member(const json& object, const char* name, json::value_t type) {
    static const json kObject = json::object();
    static const json kArray = json::array();
    static const json kText = "";
    const auto found = object.find(name);
    if (found != object.end() && found->type() == type) return *found;
    return type == json::value_t::object ? kObject : type == json::value_t::array ? kArray : kText;
}

std::string text(const json& object, const char* name) {
    return member(object, name, json::value_t::string).get<std::string>();
}

bool is_ours(const json& entry) {
    return entry.is_object() && text(entry, "ipMode") == "Proxy" && !text(entry, "ip").empty();
}

class Plan {
public:
    Plan(const json& object, const Wanted& wanted)
        : wanted_(wanted),
          meta_(member(object, "metadata", json::value_t::object)),
          spec_(member(object, "spec", json::value_t::object)),
          ingress_(
              member(member(member(object, "status", json::value_t::object), "loadBalancer", json::value_t::object),
                     "ingress", json::value_t::array)) {}

    std::optional<Write> next() const {
        if (text(meta_, "name").empty() || text(meta_, "uid") != wanted_.uid) return std::nullopt;
        return wanted_.addresses.empty() ? release() : assign();
    }

private:
    bool has_finalizer() const {
        const json& all = member(meta_, "finalizers", json::value_t::array);
        return std::find(all.begin(), all.end(), kube::kVipFinalizer) != all.end();
    }
    std::string annotation() const {
        return text(member(meta_, "annotations", json::value_t::object),
                    std::string(kube::kRouterIdAnnotation).c_str());
    }
    std::string target() const {
        return "/api/v1/namespaces/" + text(meta_, "namespace") + "/services/" + text(meta_, "name");
    }
    // What somebody else wrote meanwhile is a conflict, and looked at anew.
    json seen() const { return {{"resourceVersion", text(meta_, "resourceVersion")}}; }

    std::optional<Write> assign() const {
        const bool deleted = meta_.contains("deletionTimestamp");
        if (deleted || text(spec_, "type") != "LoadBalancer") return std::nullopt;
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
            if (is_ours(entry)) there.push_back(text(entry, "ip"));
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
    const json& ingress_;
};

}  // namespace

bool differs(const kube::Service& seen, const Wanted& wanted) {
    const bool has_finalizer = seen.balancer && seen.balancer->has_finalizer();
    if (wanted.addresses.empty()) return has_finalizer;
    return !has_finalizer || router_id_of(seen) != wanted.router_id || addresses_of(seen) != wanted.addresses;
}

std::optional<Write> next_write(std::string_view object, const Wanted& wanted) {
    const json parsed = json::parse(object.begin(), object.end(), nullptr, false);
    if (!parsed.is_object()) return std::nullopt;
    return Plan(parsed, wanted).next();
}

}  // namespace steelyard::loadbalancer
