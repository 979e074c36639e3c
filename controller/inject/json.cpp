#include "controller/inject/json.hpp"

#include <limits>
#include <string>

namespace steelyard::inject {
namespace {

// Whether brackets nest deeper than `most`, strings left aside. Cheaper than finding out while a tree is being built.
bool too_deep(std::string_view text, size_t most) {
    size_t depth = 0;
    bool quoted = false;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        if (quoted) {
            if (c == '\\') {
                ++i;
            } else if (c == '"') {
                quoted = false;
            }
        } else if (c == '"') {
            quoted = true;
        } else if (c == '{' || c == '[') {
            if (++depth > most) return true;
        } else if ((c == '}' || c == ']') && depth != 0) {
            --depth;
        }
    }
    return false;
}

}  // namespace

const Json* member(const Json& parent, std::string_view name) {
    if (!parent.is_object()) return nullptr;
    for (auto it = parent.begin(); it != parent.end(); ++it) {
        if (it.key() == name) return it->is_null() ? nullptr : &*it;
    }
    return nullptr;
}

const Json* member(const Json& parent, std::initializer_list<std::string_view> path) {
    const Json* at = &parent;
    for (const auto name : path) {
        at = member(*at, name);
        if (at == nullptr) return nullptr;
    }
    return at;
}

std::string_view text_of(const Json& parent, std::string_view name) {
    const Json* found = member(parent, name);
    if (found == nullptr || !found->is_string()) return {};
    return found->get_ref<const std::string&>();
}

std::optional<int64_t> whole_of(const Json& parent, std::string_view name) {
    const Json* found = member(parent, name);
    if (found == nullptr || !found->is_number_integer()) return std::nullopt;
    if (found->is_number_unsigned() &&
        found->get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<int64_t>::max()))
        return std::nullopt;
    return found->get<int64_t>();
}

bool is_true(const Json& parent, std::string_view name) {
    const Json* found = member(parent, name);
    return found != nullptr && found->is_boolean() && found->get<bool>();
}

const Json::array_t& list_of(const Json& parent, std::string_view name) {
    static const Json::array_t kNothing;
    const Json* found = member(parent, name);
    return found != nullptr && found->is_array() ? found->get_ref<const Json::array_t&>() : kNothing;
}

std::optional<Json> parse_json(std::string_view text, size_t max_depth) {
    if (too_deep(text, max_depth)) return std::nullopt;
    Json parsed = Json::parse(text, nullptr, false);
    if (parsed.is_discarded()) return std::nullopt;
    return parsed;
}

std::string pointer_token(std::string_view name) {
    std::string token;
    for (const char c : name) {
        if (c == '~') {
            token += "~0";
        } else if (c == '/') {
            token += "~1";
        } else {
            token += c;
        }
    }
    return token;
}

}  // namespace steelyard::inject
