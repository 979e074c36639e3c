#include "sidecar/http/field_list.hpp"

#include "sidecar/http/scan.hpp"

namespace steelyard::http {

bool equals_ignoring_case(std::string_view a, std::string_view b) { return scan::equals_ignoring_case(a, b); }
std::string_view trim_blanks(std::string_view text) { return scan::trim(text); }

const Header* find_field(const HeaderList& headers, std::string_view name) {
    for (const Header& field : headers) {
        if (scan::equals_ignoring_case(field.name, name)) return &field;
    }
    return nullptr;
}

std::string_view next_list_element(std::string_view& list) {
    bool quoted = false;
    size_t i = 0;
    for (; i < list.size(); ++i) {
        const char c = list[i];
        if (quoted && c == '\\' && i + 1 < list.size()) {
            ++i;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (c == ',' && !quoted) {
            break;
        }
    }
    const std::string_view element = scan::trim(list.substr(0, i));
    list.remove_prefix(i == list.size() ? i : i + 1);
    return element;
}

bool list_has(const HeaderList& headers, std::string_view name, std::string_view element) {
    for (const Header& field : headers) {
        if (!scan::equals_ignoring_case(field.name, name)) continue;
        for (std::string_view list = field.value; !list.empty();) {
            if (scan::equals_ignoring_case(next_list_element(list), element)) return true;
        }
    }
    return false;
}

Directive parse_directive(std::string_view element) {
    const size_t equals = element.find('=');
    if (equals == std::string_view::npos) return {element, std::nullopt};
    std::string_view value = element.substr(equals + 1);
    if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
    return {element.substr(0, equals), value};
}

}  // namespace steelyard::http
