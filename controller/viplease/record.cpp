#include "controller/viplease/record.hpp"

#include <charconv>

#include "common/json/read.hpp"

namespace steelyard::viplease {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "steelyard-vip-";
constexpr const char* kPriority = "steelyard.dev/priority";
constexpr const char* kInstance = "steelyard.dev/instance";
constexpr const char* kClaim = "steelyard.dev/claim";
constexpr const char* kWantedBy = "steelyard.dev/wanted-by";
constexpr const char* kWantedPriority = "steelyard.dev/wanted-priority";
constexpr const char* kWantedTime = "steelyard.dev/wanted-time";

template <class N>
std::optional<N> number(std::string_view digits) {
    N value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc() || end != digits.data() + digits.size()) return std::nullopt;
    return value;
}

template <class N>
N number(const json& annotations, const char* field) {
    return number<N>(text_of(annotations, field)).value_or(N{0});
}

Result<Record> from(const json& object) {
    if (!object.is_object()) return Error{"Lease", "the answer is no Lease"};
    const auto id = router_id_of(text_of(object_of(object, "metadata"), "name"));
    if (!id) return Error{"Lease", "its name is none of a virtual router's Lease"};
    Record record;
    record.router_id = *id;
    const json& annotations = object_of(object_of(object, "metadata"), "annotations");
    record.priority = number<uint8_t>(annotations, kPriority);
    record.instance = text_of(annotations, kInstance);
    record.claim = number<uint64_t>(annotations, kClaim);
    record.wish = {std::string(text_of(annotations, kWantedBy)), number<uint8_t>(annotations, kWantedPriority),
                   std::string(text_of(annotations, kWantedTime))};
    record.lease = leader::lease_of(object);
    return record;
}

void annotate(json& annotations, const char* name, std::string value) {
    if (value.empty()) {
        annotations.erase(name);
    } else {
        annotations[name] = std::move(value);
    }
}

std::string shown(uint64_t value) { return value == 0 ? std::string() : std::to_string(value); }

}  // namespace

std::string name_of(uint8_t router_id) { return std::string(kPrefix) + std::to_string(router_id); }

std::optional<uint8_t> router_id_of(std::string_view name) {
    if (name.substr(0, kPrefix.size()) != kPrefix) return std::nullopt;
    const auto id = number<uint8_t>(name.substr(kPrefix.size()));
    return id && *id != 0 && name == name_of(*id) ? id : std::nullopt;
}

Result<Record> decode_record(std::string_view text_in) { return from(parse_json(text_in)); }

std::string encode_record(const Record& record, const std::string& ns) {
    json object = json::parse(leader::encode_lease(record.lease, ns, name_of(record.router_id)));
    json& metadata = object["metadata"];
    const auto entry = [&](const char* name) -> json& {
        json& map = metadata[name];
        if (!map.is_object()) map = json::object();
        return map;
    };
    entry("labels")[std::string(kLabel)] = std::to_string(record.router_id);
    json& annotations = entry("annotations");
    annotate(annotations, kPriority, shown(record.priority));
    annotate(annotations, kInstance, record.instance);
    annotate(annotations, kClaim, record.instance.empty() ? "" : shown(record.claim));
    annotate(annotations, kWantedBy, record.wish.node);
    annotate(annotations, kWantedPriority, record.wish.node.empty() ? "" : shown(record.wish.priority));
    annotate(annotations, kWantedTime, record.wish.node.empty() ? "" : record.wish.time);
    return object.dump();
}

Result<RecordList> decode_records(std::string_view text_in) {
    const json list = parse_json(text_in);
    const json* items = member(list, "items");
    if (items == nullptr || !items->is_array()) return Error{"LeaseList", "the answer is no list"};
    RecordList out;
    out.resource_version = text_of(object_of(list, "metadata"), "resourceVersion");
    for (const json& item : *items) {
        auto record = from(item);
        if (record) out.records.push_back(std::move(*record));
    }
    return out;
}

Result<RecordEvent> decode_event(std::string_view line) {
    const json event = parse_json(line);
    if (!event.is_object()) return Error{"watch", "the line is no JSON object, or nests deeper than 100 levels"};
    const std::string_view type = text_of(event, "type");
    RecordEvent out;
    if (type == "ERROR") {
        out.type = RecordEvent::Type::error;
        const json& status = object_of(event, "object");
        out.error_code = static_cast<int>(whole_of(status, "code").value_or(0));
        out.error_message = text_of(status, "message");
        return out;
    }
    if (type != "ADDED" && type != "MODIFIED" && type != "DELETED") return out;
    auto record = from(object_of(event, "object"));
    if (!record) return out;
    out.type = type == "DELETED" ? RecordEvent::Type::deleted : RecordEvent::Type::changed;
    out.record = std::move(*record);
    return out;
}

}  // namespace steelyard::viplease
