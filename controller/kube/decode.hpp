#pragma once
// JSON of the Kubernetes API to typed objects, in one pass and without a document tree (json_walker.hpp). For T =
// Service, EndpointSlice, Pod, Node and the kinds of steelyard.dev. Wrongly typed fields end up in the object's `problems`; an error is
// returned only when the text as a whole is of no use. Sources: Kubernetes API concepts, "Efficient detection of changes"
// and "Retrieving large results sets in chunks".
#include <cstdint>
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "controller/kube/objects.hpp"

namespace steelyard::kube {

struct ListMeta {
    std::string resource_version;
    std::string continue_token;  // empty: this was the last page
};

// meta/v1 Status: the body of every refused request, the object of an ERROR event.
struct Status {
    int64_t code = 0;  // HTTP's numbers; 0: the text was no Status
    std::string reason;
    std::string message;
};

enum class EventType : uint8_t { added, modified, deleted, bookmark, error };

std::optional<EventType> parse_event_type(std::string_view text);  // "ADDED"

template <class T>
struct WatchEvent {
    EventType type = EventType::error;
    T object;       // bookmark: only meta.resource_version
    Status status;  // error: why
};

// Gives each item of the list to `sink` as soon as it is read; items given before an error was met stay given. An item
// without metadata.name is delivered with that problem noted.
template <class T>
Result<ListMeta> decode_list(std::string_view json, const std::function<void(T&&)>& sink);

// One line of a watch.
template <class T>
Result<WatchEvent<T>> decode_watch_event(std::string_view json);

// The kinds of steelyard.dev are few and their specs deep: they are read from a document tree (decode_tree.cpp).
template <>
Result<ListMeta> decode_list<LoadBalancingPolicy>(std::string_view json,
                                                  const std::function<void(LoadBalancingPolicy&&)>& sink);
template <>
Result<ListMeta> decode_list<AddressPool>(std::string_view json, const std::function<void(AddressPool&&)>& sink);
template <>
Result<ListMeta> decode_list<VirtualIPAdvertisement>(std::string_view json,
                                                     const std::function<void(VirtualIPAdvertisement&&)>& sink);
template <>
Result<WatchEvent<LoadBalancingPolicy>> decode_watch_event<LoadBalancingPolicy>(std::string_view json);
template <>
Result<WatchEvent<AddressPool>> decode_watch_event<AddressPool>(std::string_view json);
template <>
Result<WatchEvent<VirtualIPAdvertisement>> decode_watch_event<VirtualIPAdvertisement>(std::string_view json);

// One of them from its object, whatever it was written in.
LoadBalancingPolicy decode_policy(const nlohmann::json& object, policy::Unknown unknown);
AddressPool decode_pool(const nlohmann::json& object, policy::Unknown unknown);
VirtualIPAdvertisement decode_advertisement(const nlohmann::json& object, policy::Unknown unknown);

// Never fails: text that is no Status comes back as code 0 and, in `message`, its first 200 characters in one line.
Status decode_status(std::string_view body);

}  // namespace steelyard::kube
