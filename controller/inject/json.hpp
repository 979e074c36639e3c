#pragma once
// JSON as the webhook reads and writes it: members keep their order, so that a patch reads like the manifest it makes. Reading is
// tolerant: a member that is absent or of another type is "not there", never an exception.
#include <cstdint>
#include <initializer_list>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>

namespace steelyard::inject {

using Json = nlohmann::ordered_json;

// The member, or nullptr where `parent` is no object or has none (or a null).
const Json* member(const Json& parent, std::string_view name);
// The same, several levels down.
const Json* member(const Json& parent, std::initializer_list<std::string_view> path);
// A text member, "" if there is none. Refers into `parent`.
std::string_view text_of(const Json& parent, std::string_view name);
std::optional<int64_t> whole_of(const Json& parent, std::string_view name);
bool is_true(const Json& parent, std::string_view name);
// The elements of a list member; an empty list if there is none.
const Json::array_t& list_of(const Json& parent, std::string_view name);

// Parses a text from outside. Deeper than `max_depth` or not JSON (RFC 8259): nullopt.
std::optional<Json> parse_json(std::string_view text, size_t max_depth = 100);

// A reference token of a JSON Pointer (RFC 6901, section 3): "a/b" -> "a~1b".
std::string pointer_token(std::string_view name);

}  // namespace steelyard::inject
