#pragma once
// What the checks of resources and of policies share. Private to common/config.
#include <algorithm>
#include <string>
#include <string_view>

#include "common/config/limits.hpp"
#include "common/config/problems.hpp"

namespace steelyard::config {

constexpr bool is_visible(char c) { return c > 0x20 && c < 0x7f; }
inline bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return is_visible(c); });
}

// RFC 9110, section 5.6.2.
constexpr bool is_token_char(char c) {
    constexpr std::string_view kSpecial = "!#$%&'*+-.^_`|~";
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           kSpecial.find(c) != std::string_view::npos;
}
inline bool is_token(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(), [](char c) { return is_token_char(c); });
}

inline void check_range(uint64_t value, const Range& range, const Path& path, Problems& problems) {
    if (!range.holds(value)) problems.add(path, range.complaint(std::to_string(value)));
}

}  // namespace steelyard::config
