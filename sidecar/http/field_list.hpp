#pragma once
// Reading fields that the proxy does not know by HeaderId: names without regard to case, comma-separated lists whose
// elements may hold quoted strings (RFC 9110 section 5.6). Views into the given text; nothing is allocated.
#include <cstddef>
#include <optional>
#include <string_view>

#include "sidecar/http/message.hpp"

namespace steelyard::http {

bool equals_ignoring_case(std::string_view a, std::string_view b);
std::string_view trim_blanks(std::string_view text);

// The first field of this name.
const Header* find_field(const HeaderList& headers, std::string_view name);

// Takes the next element off a list, trimmed; call while `list` is not empty. A comma within quotes separates nothing.
std::string_view next_list_element(std::string_view& list);

// Whether an element of a field of this name, in any of its lines, is `element` (compared without regard to case).
bool list_has(const HeaderList& headers, std::string_view name, std::string_view element);

// One "name" or "name=value" or 'name="value"' of a list such as Cache-Control; the value without its quotes. Escapes
// within a quoted string stay as they are.
struct Directive {
    std::string_view name;
    std::optional<std::string_view> value;
};
Directive parse_directive(std::string_view element);

}  // namespace steelyard::http
