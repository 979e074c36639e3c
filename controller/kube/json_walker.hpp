#pragma once
// Reads JSON in one pass into typed objects, guided by a table that names the fields that are wanted; everything else
// is skipped without being stored. No document tree: memory is the input, the longest token and a stack as deep as the
// table. A value of the wrong type is reported with its path and left out; only text that is not JSON ends the walk.
#include <cstdint>
#include <functional>
#include <span>
#include <string_view>

#include "common/result.hpp"

namespace steelyard::kube {

enum class Shape : uint8_t { text, integer, boolean, integer_or_text, object, list, text_map };

// One value that was met: `text` or `integer` or `boolean` as its node's shape says; `is_text` decides for
// integer_or_text. `key` is the member's name within a text_map. Views are valid during the call only.
struct JsonValue {
    std::string_view text = {};
    std::string_view key = {};
    int64_t integer = 0;
    bool boolean = false;
    bool is_text = false;
};

// A field that is wanted. `set` is called with each scalar, with each member of a text_map (null members are left out),
// and with no value when an object or list begins. `end` is called when an object ends. JSON null is as good as absent.
struct JsonNode {
    std::string_view name = {};  // unused for the element of a list
    Shape shape = Shape::text;
    void (*set)(void* target, const JsonValue& value) = nullptr;
    std::span<const JsonNode> children = {};  // object: its fields; list: one node, its element
    void (*end)(void* target) = nullptr;
    bool path_root = false;  // paths of problems below start here: the list's item, the event's object
};

using JsonProblem = std::function<void(Error)>;

// The error, if `json` is not one JSON document, has the byte offset in `where`. `problem` is told of each wrongly
// typed field.
Result<void> walk_json(std::string_view json, const JsonNode& root, void* target, const JsonProblem& problem);

}  // namespace steelyard::kube
