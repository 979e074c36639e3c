#pragma once
// JSON from outside as a tree, read leniently: a member that is absent or of another type is "not there", never an exception. Alike for
// nlohmann::json and ordered_json.
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace steelyard {

// The library builds and drops a tree without recursion, but copies, compares and writes it with one call a level.
inline constexpr size_t kMaxJsonNesting = 100;

// Whether brackets nest deeper than `most`, strings left aside. Meant for JSON: of anything else it may say either.
bool nests_deeper(std::string_view text, size_t most);

// Discarded (is_discarded(), and of no type) where the text is not JSON (RFC 8259) or nests deeper than `max_depth`.
template <class Json = nlohmann::json>
Json parse_json(std::string_view text, size_t max_depth = kMaxJsonNesting) {
    if (nests_deeper(text, max_depth)) return Json(Json::value_t::discarded);
    return Json::parse(text.begin(), text.end(), nullptr, false);
}

// The member, or nullptr where `parent` is no object or has none (or a null).
template <class Json>
const Json* member(const Json& parent, std::string_view name) {
    if (!parent.is_object()) return nullptr;
    const auto found = parent.find(name);
    return found == parent.end() || found->is_null() ? nullptr : &*found;
}

// The same, several levels down.
template <class Json>
const Json* member(const Json& parent, std::initializer_list<std::string_view> path) {
    const Json* at = &parent;
    for (const auto name : path) {
        at = member(*at, name);
        if (at == nullptr) return nullptr;
    }
    return at;
}

// A member that is an object, or an empty one. Refers into `parent`.
template <class Json>
const Json& object_of(const Json& parent, std::string_view name) {
    static const Json kNothing = Json::object();
    const Json* found = member(parent, name);
    return found != nullptr && found->is_object() ? *found : kNothing;
}

// The elements of a list member; an empty list if there is none.
template <class Json>
const typename Json::array_t& list_of(const Json& parent, std::string_view name) {
    static const typename Json::array_t kNothing;
    const Json* found = member(parent, name);
    return found != nullptr && found->is_array() ? found->template get_ref<const typename Json::array_t&>() : kNothing;
}

// A text member, "" if there is none. Refers into `parent`.
template <class Json>
std::string_view text_of(const Json& parent, std::string_view name) {
    const Json* found = member(parent, name);
    if (found == nullptr || !found->is_string()) return {};
    return found->template get_ref<const std::string&>();
}

// A whole number that an int64_t holds.
template <class Json>
std::optional<int64_t> whole_of(const Json& parent, std::string_view name) {
    const Json* found = member(parent, name);
    if (found == nullptr || !found->is_number_integer()) return std::nullopt;
    constexpr auto kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
    if (found->is_number_unsigned() && found->template get<uint64_t>() > kMost) return std::nullopt;
    return found->template get<int64_t>();
}

template <class Json>
bool is_true(const Json& parent, std::string_view name) {
    const Json* found = member(parent, name);
    return found != nullptr && found->is_boolean() && found->template get<bool>();
}

}  // namespace steelyard
