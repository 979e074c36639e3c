#pragma once
// JSON as the webhook reads and writes it: members keep their order, so that a patch reads like the manifest it makes.
#include <string>
#include <string_view>

#include "common/json/read.hpp"

namespace steelyard::inject {

using Json = nlohmann::ordered_json;

// A reference token of a JSON Pointer (RFC 6901, section 3): "a/b" -> "a~1b".
std::string pointer_token(std::string_view name);

}  // namespace steelyard::inject
