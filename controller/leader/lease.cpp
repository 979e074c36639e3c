#include "controller/leader/lease.hpp"

#include <algorithm>
#include <limits>

#include "common/json/read.hpp"

namespace steelyard::leader {
namespace {

using nlohmann::json;

constexpr int64_t kMaxSeconds = 365LL * 24 * 3600;
constexpr int64_t kMaxTransitions = std::numeric_limits<int32_t>::max() - 1;  // the API has an int32, and one is added

}  // namespace

Lease lease_of(const json& object) {
    const json& spec = object_of(object, "spec");
    Lease out;
    out.holder = text_of(spec, "holderIdentity");
    out.duration =
        std::chrono::seconds(std::clamp<int64_t>(whole_of(spec, "leaseDurationSeconds").value_or(0), 0, kMaxSeconds));
    out.acquire_time = text_of(spec, "acquireTime");
    out.renew_time = text_of(spec, "renewTime");
    out.transitions = std::clamp<int64_t>(whole_of(spec, "leaseTransitions").value_or(0), 0, kMaxTransitions);
    out.resource_version = text_of(object_of(object, "metadata"), "resourceVersion");
    out.object = object.dump();
    return out;
}

Result<Lease> decode_lease(std::string_view text_in) {
    const json object = parse_json(text_in);
    if (!object.is_object() || text_of(object, "kind") != "Lease") return Error{"Lease", "the answer is no Lease"};
    return lease_of(object);
}

std::string encode_lease(const Lease& lease, const std::string& ns, const std::string& name) {
    json object = parse_json(lease.object);
    if (!object.is_object()) object = {{"metadata", {{"name", name}, {"namespace", ns}}}};
    object["apiVersion"] = "coordination.k8s.io/v1";
    object["kind"] = "Lease";
    json spec = object_of(object, "spec");
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
    const json event = parse_json(line);
    if (!event.is_object()) return Error{"watch", "the line is no JSON object, or nests deeper than 100 levels"};
    const std::string_view type = text_of(event, "type");
    const json& object = object_of(event, "object");
    LeaseEvent out;
    if (type == "ADDED" || type == "MODIFIED") {
        out.type = LeaseEvent::Type::changed;
    } else if (type == "DELETED") {
        out.type = LeaseEvent::Type::deleted;
    } else if (type == "BOOKMARK") {
        out.type = LeaseEvent::Type::bookmark;
    } else {
        out.error_code = static_cast<int>(whole_of(object, "code").value_or(0));
        out.error_message = text_of(object, "message");
        return out;
    }
    out.lease = lease_of(object);
    return out;
}

}  // namespace steelyard::leader
