#include "controller/leader/lease.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

namespace steelyard::leader {
namespace {

using nlohmann::json;

constexpr int64_t kMaxSeconds = 365LL * 24 * 3600;

std::string text(const json& object, const char* field) {
    const auto found = object.find(field);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int64_t number(const json& object, const char* field) {
    const auto found = object.find(field);
    return found != object.end() && found->is_number_integer() ? found->get<int64_t>() : 0;
}

const json& part(const json& object, const char* field) {
    static const json kNone = json::object();
    const auto found = object.find(field);
    return found != object.end() && found->is_object() ? *found : kNone;
}

Lease from(const json& object) {
    const json& spec = part(object, "spec");
    Lease out;
    out.holder = text(spec, "holderIdentity");
    out.duration = std::chrono::seconds(std::clamp<int64_t>(number(spec, "leaseDurationSeconds"), 0, kMaxSeconds));
    out.acquire_time = text(spec, "acquireTime");
    out.renew_time = text(spec, "renewTime");
    out.transitions = number(spec, "leaseTransitions");
    out.resource_version = text(part(object, "metadata"), "resourceVersion");
    out.object = object.dump();
    return out;
}

}  // namespace

Result<Lease> decode_lease(std::string_view text_in) {
    const json object = json::parse(text_in, nullptr, false);
    if (!object.is_object() || text(object, "kind") != "Lease") return Error{"Lease", "the answer is no Lease"};
    return from(object);
}

std::string encode_lease(const Lease& lease, const std::string& ns, const std::string& name) {
    json object = json::parse(lease.object, nullptr, false);
    if (!object.is_object()) object = {{"metadata", {{"name", name}, {"namespace", ns}}}};
    object["apiVersion"] = "coordination.k8s.io/v1";
    object["kind"] = "Lease";
    json spec = part(object, "spec");
    spec["holderIdentity"] = lease.holder;
    spec["leaseDurationSeconds"] = std::chrono::ceil<std::chrono::seconds>(lease.duration).count();
    spec["acquireTime"] = lease.acquire_time;
    spec["renewTime"] = lease.renew_time;
    spec["leaseTransitions"] = lease.transitions;
    object["spec"] = std::move(spec);
    if (!lease.resource_version.empty()) object["metadata"]["resourceVersion"] = lease.resource_version;
    return object.dump();
}

Result<LeaseEvent> decode_lease_event(std::string_view line) {
    const json event = json::parse(line, nullptr, false);
    if (!event.is_object()) return Error{"watch", "the line is no JSON object"};
    const std::string type = text(event, "type");
    const json& object = part(event, "object");
    LeaseEvent out;
    if (type == "ADDED" || type == "MODIFIED") {
        out.type = LeaseEvent::Type::changed;
    } else if (type == "DELETED") {
        out.type = LeaseEvent::Type::deleted;
    } else if (type == "BOOKMARK") {
        out.type = LeaseEvent::Type::bookmark;
    } else {
        out.error_code = static_cast<int>(number(object, "code"));
        out.error_message = text(object, "message");
        return out;
    }
    out.lease = from(object);
    return out;
}

}  // namespace steelyard::leader
