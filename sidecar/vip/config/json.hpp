#pragma once
// What the readers of the configuration and of the state file share, on top of common/config. Includes all of nlohmann/json: for their
// .cpp files only.
#include <algorithm>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "common/config/checks.hpp"
#include "common/config/fields.hpp"
#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

using config::Fields;
using config::Path;
using config::Problems;

inline constexpr uint64_t kFileFormat = 1;
inline constexpr config::Range kAnyNumber{0, ~uint64_t{0}, "a number"};
inline constexpr config::Range kRouterIdRange{1, 255, "a virtual router id"};

inline void read_family(const Fields& fields, Family& out) {
    const auto parse = [](std::string_view text) -> std::optional<Family> {
        for (const auto family : {Family::ipv4, Family::ipv6}) {
            if (text == to_string(family)) return family;
        }
        return std::nullopt;
    };
    fields.choice(fields.require("family"), "family", parse, "ipv4, ipv6", out);
}

// The format's number, before anything else is read.
inline bool check_format(const Fields& fields, const Path& top, Problems& problems) {
    uint64_t format = 0;
    fields.required_number("format", kAnyNumber, format);
    if (problems.empty() && format != kFileFormat) {
        problems.add(top / "format", std::to_string(format) + " is not 1, the one this program reads");
    }
    return problems.empty();
}

// nullopt for text with bytes that no address has, such as a zero, which C's functions take for the end.
inline std::optional<Prefix> parse_prefix(std::string_view text) {
    return config::is_visible(text) ? Prefix::parse(text) : std::nullopt;
}
inline std::optional<Ip> parse_ip(std::string_view text) {
    return config::is_visible(text) ? Ip::parse(text) : std::nullopt;
}

}  // namespace steelyard::vip
