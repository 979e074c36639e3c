#pragma once
// Recognises the fields that the proxy acts on by length and first letter, then one comparison: names it does not
// know cost one look into a table. Private to this folder.
#include <array>
#include <cstdint>
#include <string_view>

#include "sidecar/http/message.hpp"
#include "sidecar/http/scan.hpp"

namespace steelyard::http {

// In the order of HeaderId, lower case.
inline constexpr std::array<std::string_view, 22> kKnownNames = {
    "",
    "host",
    "connection",
    "content-length",
    "transfer-encoding",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "x-forwarded-for",
    "x-forwarded-proto",
    "x-forwarded-host",
    "forwarded",
    "x-real-ip",
    "",  // lookalike
    "x-request-id",
    "traceparent",
    "tracestate",
};
static_assert(kKnownNames[static_cast<size_t>(HeaderId::lookalike)].empty());
static_assert(kKnownNames[static_cast<size_t>(HeaderId::tracestate)] == "tracestate");

// Fields of `length` bytes that begin with `first`, letters folded: at most one is known.
constexpr size_t name_slot(size_t length, char first) {
    return length << 5U | (static_cast<unsigned char>(first) & 0x1fU);
}
constexpr size_t kLongestKnownName = 19;

constexpr std::array<uint8_t, (kLongestKnownName + 1) * 32> make_name_slots() {
    std::array<uint8_t, (kLongestKnownName + 1) * 32> slots{};
    for (size_t id = 1; id < kKnownNames.size(); ++id) {
        if (kKnownNames[id].empty()) continue;
        uint8_t& slot = slots[name_slot(kKnownNames[id].size(), kKnownNames[id][0])];
        if (slot != 0) throw "two known names share a slot";  // compile time only
        slot = static_cast<uint8_t>(id);
    }
    return slots;
}
inline constexpr auto kNameSlots = make_name_slots();

// Whether `name` is `known` but for "_" in the place of "-". Both become HTTP_X_FORWARDED_FOR behind WSGI and the like,
// so that who may not send the one may not send the other.
constexpr bool looks_like(std::string_view name, std::string_view known) {
    for (size_t i = 0; i < name.size(); ++i) {
        if ((name[i] == '_' ? '-' : scan::lower(name[i])) != known[i]) return false;
    }
    return true;
}

// `name` must be a non-empty token.
inline HeaderId identify(std::string_view name) {
    if (name.size() > kLongestKnownName) return HeaderId::other;
    const uint8_t candidate = kNameSlots[name_slot(name.size(), name[0])];
    if (candidate == 0) return HeaderId::other;
    const std::string_view known = kKnownNames[candidate];
    if (scan::equals_folded(name.data(), known.data(), name.size())) return static_cast<HeaderId>(candidate);
    return looks_like(name, known) ? HeaderId::lookalike : HeaderId::other;
}

}  // namespace steelyard::http
