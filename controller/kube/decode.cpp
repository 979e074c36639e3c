#include "controller/kube/decode.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "controller/kube/schema.hpp"

namespace steelyard::kube {
namespace {

using schema::Reading;

void finish(Service& service) {
    if (!service.balancer) return;
    if (service.type != "LoadBalancer" && !service.balancer->has_finalizer()) service.balancer.reset();
}
void finish(Pod&) {}
void finish(Node&) {}

void finish(EndpointSlice& slice) {
    slice.endpoints.shrink_to_fit();
    const SharedString ns = slice.meta.ns;
    for (SliceEndpoint& endpoint : slice.endpoints) {
        if (!endpoint.pod_name.empty() && endpoint.pod_ns.empty()) endpoint.pod_ns = ns;
    }
}

// The object is complete: look at what only the whole shows.
template <class T>
void finish_object(Reading<T>& reading) {
    T& object = reading.object;
    if (object.meta.name.empty()) {  // the first problem: the one that matters
        object.problems.insert(object.problems.begin(), Error{"metadata.name", "missing; the object is ignored"});
    }
    finish(object);
}

template <class T>
void note(Reading<T>& reading, Error problem) {
    Problems& problems = reading.object.problems;
    if (problems.size() < kMaxProblems) problems.push_back(std::move(problem));
}

template <class T>
constexpr JsonNode kItem[] = {{.shape = Shape::object,
                               .set = [](void* r, const JsonValue&) { static_cast<Reading<T>*>(r)->object = T{}; },
                               .children = schema::kFields<T>,
                               .end = [](void* r) { static_cast<Reading<T>*>(r)->item_done(); },
                               .path_root = true}};

template <class T>
constexpr JsonNode kListMetaFields[] = {
    {.name = "resourceVersion",
     .set = [](void* r, const JsonValue& v) { static_cast<Reading<T>*>(r)->list.resource_version = v.text; }},
    {.name = "continue",
     .set = [](void* r, const JsonValue& v) { static_cast<Reading<T>*>(r)->list.continue_token = v.text; }},
};

template <class T>
constexpr JsonNode kListFields[] = {{.name = "metadata", .shape = Shape::object, .children = kListMetaFields<T>},
                                    {.name = "items", .shape = Shape::list, .children = kItem<T>}};

template <class T>
constexpr JsonNode kList = {.shape = Shape::object, .children = kListFields<T>};

template <class T>
constexpr JsonNode kEventFields[] = {
    {.name = "type", .set = [](void* r, const JsonValue& v) { static_cast<Reading<T>*>(r)->event_type = v.text; }},
    {.name = "object", .shape = Shape::object, .children = schema::kFields<T>, .path_root = true},
};

template <class T>
constexpr JsonNode kEvent = {.shape = Shape::object, .children = kEventFields<T>};

constexpr JsonNode kStatusRoot = {.shape = Shape::object, .children = schema::kFields<Pod>};

constexpr std::array<std::pair<std::string_view, EventType>, 5> kEventTypes{{{"ADDED", EventType::added},
                                                                             {"MODIFIED", EventType::modified},
                                                                             {"DELETED", EventType::deleted},
                                                                             {"BOOKMARK", EventType::bookmark},
                                                                             {"ERROR", EventType::error}}};

}  // namespace

std::optional<EventType> parse_event_type(std::string_view text) {
    for (const auto& [name, type] : kEventTypes) {
        if (name == text) return type;
    }
    return std::nullopt;
}

template <class T>
Result<ListMeta> decode_list(std::string_view json, const std::function<void(T&&)>& sink) {
    Reading<T> reading;
    reading.item_done = [&] {
        finish_object(reading);
        sink(std::move(reading.object));
        reading.object = T{};
    };
    const Result<void> walked = walk_json(json, kList<T>, &reading, [&](Error e) { note(reading, std::move(e)); });
    if (!walked) return walked.error();
    if (reading.list.resource_version.empty()) {
        return Error{"metadata.resourceVersion", "missing: the answer is no Kubernetes list"};
    }
    return std::move(reading.list);
}

template <class T>
Result<WatchEvent<T>> decode_watch_event(std::string_view json) {
    Reading<T> reading;
    const Result<void> walked = walk_json(json, kEvent<T>, &reading, [&](Error e) { note(reading, std::move(e)); });
    if (!walked) return walked.error();
    const auto type = parse_event_type(reading.event_type);
    if (!type) {
        return Error{"type", reading.event_type.empty() ? "missing: the line is no watch event"
                                                        : "'" + reading.event_type.substr(0, 40) + "' is not known"};
    }
    WatchEvent<T> event;
    event.type = *type;
    if (event.type == EventType::error) {
        event.status = std::move(reading.status);
        return event;
    }
    if (event.type != EventType::bookmark) finish_object(reading);
    event.object = std::move(reading.object);
    return event;
}

Status decode_status(std::string_view body) {
    Reading<Pod> reading;
    const bool json = static_cast<bool>(walk_json(body, kStatusRoot, &reading, [](const Error&) {}));
    if (json && reading.status.code != 0) return std::move(reading.status);
    Status status;
    status.message = std::string(body.substr(0, 200));
    std::replace_if(
        status.message.begin(), status.message.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
    status.message.erase(status.message.find_last_not_of(' ') + 1);
    return status;
}

template Result<ListMeta> decode_list<Service>(std::string_view, const std::function<void(Service&&)>&);
template Result<ListMeta> decode_list<EndpointSlice>(std::string_view, const std::function<void(EndpointSlice&&)>&);
template Result<ListMeta> decode_list<Pod>(std::string_view, const std::function<void(Pod&&)>&);
template Result<ListMeta> decode_list<Node>(std::string_view, const std::function<void(Node&&)>&);
template Result<WatchEvent<Service>> decode_watch_event<Service>(std::string_view);
template Result<WatchEvent<EndpointSlice>> decode_watch_event<EndpointSlice>(std::string_view);
template Result<WatchEvent<Pod>> decode_watch_event<Pod>(std::string_view);
template Result<WatchEvent<Node>> decode_watch_event<Node>(std::string_view);

}  // namespace steelyard::kube
