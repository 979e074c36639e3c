#include <algorithm>

#include "common/config/fields.hpp"
#include "common/json/read.hpp"
#include "controller/kube/decode.hpp"

namespace steelyard::kube {
namespace {

using nlohmann::json;

const json kNone;                     // a null: what a spec that is absent reads as
constexpr size_t kMaxConditions = 8;  // ours are two; the schema lets in no more than these

// Members of meta/v1 objects, read leniently: what is of another type is noted or, in a status, as good as absent.
class Members {
public:
    Members(const json* object, std::string path, Problems* problems)
        : object_(object), path_(std::move(path)), problems_(problems) {
        if (object_ == nullptr || object_->is_object()) return;
        if (!object_->is_null()) wrong("", *object_, "an object");
        object_ = nullptr;
    }

    const json* find(const char* name) const {
        if (object_ == nullptr) return nullptr;
        const auto found = object_->find(name);
        return found == object_->end() || found->is_null() ? nullptr : &*found;
    }
    void text(const char* name, std::string& out) const {
        const json* value = find(name);
        if (value == nullptr) return;
        if (!value->is_string()) return wrong(name, *value, "a text");
        out = value->get_ref<const std::string&>();
    }
    void whole(const char* name, int64_t& out) const {
        const json* value = find(name);
        if (value == nullptr) return;
        if (!value->is_number_integer()) return wrong(name, *value, "a whole number");
        out = value->get<int64_t>();
    }

private:
    void wrong(const std::string& name, const json& value, const char* wanted) const {
        if (problems_ == nullptr || problems_->size() >= kMaxProblems) return;
        problems_->push_back(
            {path_ + (name.empty() ? "" : "." + name), "is " + config::type_of(value) + ", not " + wanted});
    }

    const json* object_;
    const std::string path_;
    Problems* problems_;
};

void read_meta(const Members& meta, LoadBalancingPolicy& policy) {
    meta.text("namespace", policy.meta.ns);
    meta.text("name", policy.meta.name);
    meta.text("resourceVersion", policy.meta.resource_version);
    meta.text("uid", policy.uid);
    meta.text("creationTimestamp", policy.created);
    meta.whole("generation", policy.generation);
}

// Of a cluster-scoped kind: a namespace, which only a file can have, is not one of its own.
template <class T>
void read_meta(const Members& meta, T& object) {
    meta.text("name", object.meta.name);
    meta.text("resourceVersion", object.meta.resource_version);
    meta.text("uid", object.judged.uid);
    meta.text("creationTimestamp", object.judged.created);
    meta.whole("generation", object.judged.generation);
}

std::vector<Condition> read_conditions(const Members& status) {
    std::vector<Condition> conditions;
    const json* list = status.find("conditions");
    if (list == nullptr || !list->is_array()) return conditions;
    for (const json& element : *list) {
        if (conditions.size() == kMaxConditions) break;
        const Members members(&element, {}, nullptr);
        Condition& condition = conditions.emplace_back();
        std::string state;
        members.text("type", condition.type);
        members.text("status", state);
        members.text("reason", condition.reason);
        members.text("message", condition.message);
        members.text("lastTransitionTime", condition.last_transition_time);
        members.whole("observedGeneration", condition.observed_generation);
        condition.status = state == "True";
    }
    return conditions;
}

// What watches and lists have that breaks off.
Error not_json(const char* what) {
    return {"", std::string("the ") + what + " is no JSON object, or nests deeper than 100 levels"};
}

std::string resource_version_of(const json& object) {
    std::string version;
    const Members members(&object, {}, nullptr);
    Members(members.find("metadata"), {}, nullptr).text("resourceVersion", version);
    return version;
}

Status status_of(const json& object) {
    Status status;
    const Members members(&object, {}, nullptr);
    members.whole("code", status.code);
    members.text("reason", status.reason);
    members.text("message", status.message);
    return status;
}

template <class T>
void check_name(T& object) {
    if (object.meta.name.empty()) object.problems.insert(object.problems.begin(), Error{"metadata.name", "is missing"});
}

void add(Problems& problems, std::vector<Error>& found) {
    for (Error& problem : found) {
        if (problems.size() < kMaxProblems) problems.push_back(std::move(problem));
    }
}

// Metadata, status and spec of a cluster-scoped kind.
template <class T, class Read>
T decode_judged(const json& object, policy::Unknown unknown, Read read) {
    T out;
    const Members root(&object, {}, nullptr);
    read_meta(Members(root.find("metadata"), "metadata", &out.problems), out);
    check_name(out);
    out.judged.conditions = read_conditions(Members(root.find("status"), {}, nullptr));
    const json* spec = root.find("spec");
    auto reading = read(spec != nullptr ? *spec : kNone, unknown);
    out.spec = std::move(reading.spec);
    out.judged.ignored = std::move(reading.ignored);
    add(out.problems, reading.problems);
    return out;
}

std::optional<PoolCounts> read_counts(const Members& status) {
    if (status.find("total") == nullptr) return std::nullopt;
    PoolCounts counts;
    status.whole("total", counts.total);
    status.whole("assigned", counts.assigned);
    status.whole("available", counts.available);
    return counts;
}

template <class T>
T decode_object(const json& object) {
    if constexpr (std::is_same_v<T, AddressPool>) return decode_pool(object, policy::Unknown::ignore);
    if constexpr (std::is_same_v<T, VirtualIPAdvertisement>)
        return decode_advertisement(object, policy::Unknown::ignore);
    if constexpr (std::is_same_v<T, LoadBalancingPolicy>) return decode_policy(object, policy::Unknown::ignore);
}

template <class T>
Result<ListMeta> decode_tree_list(std::string_view text, const std::function<void(T&&)>& sink) {
    const json list = parse_json(text);
    if (!list.is_object()) return not_json("answer");
    ListMeta meta;
    const Members root(&list, {}, nullptr);
    const Members members(root.find("metadata"), {}, nullptr);
    members.text("resourceVersion", meta.resource_version);
    members.text("continue", meta.continue_token);
    if (meta.resource_version.empty())
        return Error{"metadata.resourceVersion", "missing: the answer is no Kubernetes list"};
    if (const json* items = root.find("items"); items != nullptr && items->is_array()) {
        for (const json& item : *items) sink(decode_object<T>(item));
    }
    return meta;
}

template <class T>
Result<WatchEvent<T>> decode_tree_event(std::string_view text) {
    const json line = parse_json(text);
    if (!line.is_object()) return not_json("line");
    const Members root(&line, {}, nullptr);
    std::string type;
    root.text("type", type);
    const auto known = parse_event_type(type);
    if (!known)
        return Error{
            "type", type.empty() ? "missing: the line is no watch event" : "'" + type.substr(0, 40) + "' is not known"};
    WatchEvent<T> event;
    event.type = *known;
    const json* object = root.find("object");
    const json& given = object != nullptr ? *object : line;
    if (event.type == EventType::error) {
        event.status = status_of(given);
    } else if (event.type == EventType::bookmark) {
        event.object.meta.resource_version = resource_version_of(given);
    } else {
        event.object = decode_object<T>(given);
    }
    return event;
}

}  // namespace

LoadBalancingPolicy decode_policy(const json& object, policy::Unknown unknown) {
    LoadBalancingPolicy policy;
    const Members root(&object, {}, nullptr);
    read_meta(Members(root.find("metadata"), "metadata", &policy.problems), policy);
    check_name(policy);
    policy.conditions = read_conditions(Members(root.find("status"), {}, nullptr));
    const json* spec = root.find("spec");
    policy::Reading reading = policy::read_spec(spec != nullptr ? *spec : kNone, unknown);
    policy.spec = std::move(reading.spec);
    policy.ignored = std::move(reading.ignored);
    add(policy.problems, reading.problems);
    return policy;
}

AddressPool decode_pool(const json& object, policy::Unknown unknown) {
    auto pool = decode_judged<AddressPool>(object, unknown, loadbalancer::read_pool);
    const Members root(&object, {}, nullptr);
    pool.counts = read_counts(Members(root.find("status"), {}, nullptr));
    return pool;
}

VirtualIPAdvertisement decode_advertisement(const json& object, policy::Unknown unknown) {
    return decode_judged<VirtualIPAdvertisement>(object, unknown, loadbalancer::read_advertisement);
}

template <>
Result<ListMeta> decode_list<LoadBalancingPolicy>(std::string_view text,
                                                  const std::function<void(LoadBalancingPolicy&&)>& sink) {
    return decode_tree_list(text, sink);
}
template <>
Result<ListMeta> decode_list<AddressPool>(std::string_view text, const std::function<void(AddressPool&&)>& sink) {
    return decode_tree_list(text, sink);
}
template <>
Result<ListMeta> decode_list<VirtualIPAdvertisement>(std::string_view text,
                                                     const std::function<void(VirtualIPAdvertisement&&)>& sink) {
    return decode_tree_list(text, sink);
}
template <>
Result<WatchEvent<LoadBalancingPolicy>> decode_watch_event<LoadBalancingPolicy>(std::string_view text) {
    return decode_tree_event<LoadBalancingPolicy>(text);
}
template <>
Result<WatchEvent<AddressPool>> decode_watch_event<AddressPool>(std::string_view text) {
    return decode_tree_event<AddressPool>(text);
}
template <>
Result<WatchEvent<VirtualIPAdvertisement>> decode_watch_event<VirtualIPAdvertisement>(std::string_view text) {
    return decode_tree_event<VirtualIPAdvertisement>(text);
}

}  // namespace steelyard::kube
