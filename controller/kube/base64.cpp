#include "controller/kube/base64.hpp"

#include <cstdint>

namespace steelyard::kube {
namespace {

int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '+') return 62;
    return c == '/' ? 63 : -1;
}

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

}  // namespace

std::optional<std::string> base64_decode(std::string_view text) {
    std::string out;
    out.reserve(text.size() / 4 * 3 + 3);
    uint32_t bits = 0;
    size_t digits = 0;
    size_t padding = 0;
    for (const char c : text) {
        if (is_space(c)) continue;
        if (c == '=') {
            ++padding;
            continue;
        }
        const int value = value_of(c);
        if (value < 0 || padding > 0) return std::nullopt;
        bits = (bits << 6) | static_cast<uint32_t>(value);
        if (++digits % 4 == 0) {
            out += static_cast<char>(bits >> 16 & 0xff);
            out += static_cast<char>(bits >> 8 & 0xff);
            out += static_cast<char>(bits & 0xff);
            bits = 0;
        }
    }
    const size_t rest = digits % 4;
    if (rest == 1 || (padding > 0 && (rest + padding) != 4)) return std::nullopt;
    if (rest >= 2) out += static_cast<char>(rest == 2 ? bits >> 4 & 0xff : bits >> 10 & 0xff);
    if (rest == 3) out += static_cast<char>(bits >> 2 & 0xff);
    return out;
}

}  // namespace steelyard::kube
