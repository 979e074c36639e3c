#include "controller/translate/duration.hpp"

#include <array>
#include <optional>
#include <utility>

#include "common/config/problems.hpp"

namespace steelyard::translate {
namespace {

constexpr std::array<std::pair<std::string_view, uint64_t>, 4> kUnits{
    {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};  // "ms" before "m"

constexpr size_t kMaxDigits = 9;  // a part stays below 10^9 hours in milliseconds, far from overflow

std::string_view take_digits(std::string_view& rest) {
    size_t count = 0;
    while (count < rest.size() && rest[count] >= '0' && rest[count] <= '9') ++count;
    const std::string_view digits = rest.substr(0, count);
    rest.remove_prefix(count);
    return digits;
}

uint64_t number(std::string_view digits) {
    uint64_t value = 0;
    for (const char c : digits) value = value * 10 + static_cast<uint64_t>(c - '0');
    return value;
}

std::optional<uint64_t> take_unit(std::string_view& rest) {
    for (const auto& [name, milliseconds] : kUnits) {
        if (!rest.starts_with(name)) continue;
        rest.remove_prefix(name.size());
        return milliseconds;
    }
    return std::nullopt;
}

// One number with its unit, in milliseconds.
std::optional<uint64_t> take_part(std::string_view& rest) {
    const std::string_view whole = take_digits(rest);
    std::string_view fraction;
    if (!whole.empty() && rest.starts_with('.')) {
        rest.remove_prefix(1);
        fraction = take_digits(rest);
        if (fraction.empty()) return std::nullopt;
    }
    const std::optional<uint64_t> unit = take_unit(rest);
    if (whole.empty() || whole.size() > kMaxDigits || fraction.size() > kMaxDigits || !unit) return std::nullopt;
    uint64_t scale = 1;
    for (size_t i = 0; i < fraction.size(); ++i) scale *= 10;
    const uint64_t part = number(fraction) * *unit;
    if (part % scale != 0) return std::nullopt;
    return number(whole) * *unit + part / scale;
}

}  // namespace

Result<uint32_t> parse_duration(std::string_view text, uint32_t low, uint32_t high) {
    const Error malformed{"", "'" + config::shown(text) + "' is not a duration (such as 500ms, 5s or 1m30s)"};
    if (text.empty() || text.size() > 64) return malformed;
    uint64_t total = 0;
    if (text != "0") {
        for (std::string_view rest = text; !rest.empty();) {
            const std::optional<uint64_t> part = take_part(rest);
            if (!part) return malformed;
            total += *part;
        }
    }
    if (total < low || total > high) {
        return Error{
            "", "'" + std::string(text) + "' is not between " + format_duration(low) + " and " + format_duration(high)};
    }
    return static_cast<uint32_t>(total);
}

std::string format_duration(uint32_t milliseconds) {
    std::string text;
    for (auto unit = kUnits.rbegin(); unit != kUnits.rend(); ++unit) {
        const auto count = static_cast<uint32_t>(milliseconds / unit->second);
        milliseconds -= static_cast<uint32_t>(count * unit->second);
        if (count != 0) text += std::to_string(count) + std::string(unit->first);
    }
    return text.empty() ? "0s" : text;
}

}  // namespace steelyard::translate
