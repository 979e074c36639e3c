#pragma once
// Resources as JSON: the shapes of docs/push-protocol.md. Encoding appends text (no tree, one growing string: a
// snapshot of 100,000 endpoints is one pass); decoding takes one parsed element and returns a resource that passed
// validate().
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common/config/model.hpp"
#include "common/config/problems.hpp"

namespace steelyard::config {

// A quoted, escaped JSON string. Bytes that are not UTF-8 become U+FFFD, so that the output is always valid JSON.
void append_json_string(std::string& out, std::string_view text);
void append_json(std::string& out, const Resource& resource);
void append_json(std::string& out, const Listener& listener);
void append_json(std::string& out, const Upstream& upstream);
void append_json(std::string& out, const EndpointSlice& slice);
void append_json(std::string& out, const VirtualIp& virtual_ip);
void append_json(std::string& out, const ResourceKey& key);
// At least about how many bytes append_json will add, to reserve by.
size_t json_size_hint(const EndpointSlice& slice);

// Unknown fields are ignored (a newer controller may say more); an unknown kind, a missing required field, a wrong type
// or a value out of its limits is a problem under `path`, and nothing is returned.
std::optional<Resource> decode_resource(const nlohmann::json& element, const Path& path, Problems& problems);
std::optional<ResourceKey> decode_key(const nlohmann::json& element, const Path& path, Problems& problems);

}  // namespace steelyard::config
