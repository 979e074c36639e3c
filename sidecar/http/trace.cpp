#include "sidecar/http/trace.hpp"

#include <sys/random.h>

#include <algorithm>
#include <bit>
#include <chrono>

#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

constexpr size_t kMaxRequestId = 128;
constexpr size_t kMaxTraceparent = 256;

bool is_small_hex(char c) { return scan::is_digit(c) || (c >= 'a' && c <= 'f'); }

bool is_small_hex(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return is_small_hex(c); });
}

bool is_id(std::string_view text) {
    return is_small_hex(text) && text.find_first_not_of('0') != std::string_view::npos;
}

bool is_sane(char c) {
    const bool alnum = scan::is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    return alnum || std::string_view("-_.:+/=@~").find(c) != std::string_view::npos;
}

void write_hex(uint64_t number, char* out) {
    for (int shift = 60; shift >= 0; shift -= 4) *out++ = "0123456789abcdef"[number >> shift & 0xfU];
}

std::array<uint64_t, 4> seed_of_the_kernel() {
    std::array<uint64_t, 4> seed{};
    // Up to 256 bytes come whole once the kernel has any; before that time has to do, and so does the place of this object.
    if (getrandom(seed.data(), sizeof(seed), GRND_NONBLOCK) != static_cast<ssize_t>(sizeof(seed))) {
        seed = {static_cast<uint64_t>(std::chrono::steady_clock::now().time_since_epoch().count()),
                reinterpret_cast<uintptr_t>(&seed), 0x9e3779b97f4a7c15U, 0xbf58476d1ce4e5b9U};
    }
    return seed;
}

}  // namespace

bool is_sane_request_id(std::string_view id) {
    return !id.empty() && id.size() <= kMaxRequestId &&
           std::all_of(id.begin(), id.end(), [](char c) { return is_sane(c); });
}

bool is_well_formed_traceparent(std::string_view value) {
    if (value.size() < RandomIds::kTraceparentBytes || value.size() > kMaxTraceparent) return false;
    if (value[2] != '-' || value[35] != '-' || value[52] != '-') return false;
    const std::string_view version = value.substr(0, 2);
    if (!is_small_hex(version) || version == "ff") return false;
    if (!is_id(value.substr(3, 32)) || !is_id(value.substr(36, 16)) || !is_small_hex(value.substr(53, 2))) return false;
    if (value.size() == RandomIds::kTraceparentBytes) return true;
    return version != "00" && value[RandomIds::kTraceparentBytes] == '-';
}

const Header* only(const HeaderList& headers, HeaderId id) {
    if (!headers.has(id)) return nullptr;
    const Header* found = nullptr;
    for (const Header& field : headers) {
        if (field.id != id) continue;
        if (found != nullptr) return nullptr;
        found = &field;
    }
    return found;
}

bool has_sane_request_id(const HeaderList& headers) {
    const Header* const field = only(headers, HeaderId::x_request_id);
    return field != nullptr && is_sane_request_id(field->value);
}

bool has_well_formed_traceparent(const HeaderList& headers) {
    const Header* const field = only(headers, HeaderId::traceparent);
    return field != nullptr && is_well_formed_traceparent(field->value);
}

RandomIds::RandomIds() : RandomIds(seed_of_the_kernel()) {}

RandomIds::RandomIds(const std::array<uint64_t, 4>& seed) : state_(seed) {}

uint64_t RandomIds::next() {
    const uint64_t result = std::rotl(state_[0] + state_[3], 23) + state_[0];
    const uint64_t shifted = state_[1] << 17U;
    state_[2] ^= state_[0];
    state_[3] ^= state_[1];
    state_[1] ^= state_[2];
    state_[0] ^= state_[3];
    state_[2] ^= shifted;
    state_[3] = std::rotl(state_[3], 45);
    return result;
}

uint64_t RandomIds::next_not_zero() {
    uint64_t number = next();
    while (number == 0) number = next();
    return number;
}

std::string_view RandomIds::request_id(std::array<char, kRequestIdBytes>& out) {
    write_hex(next(), out.data());
    write_hex(next(), out.data() + 16);
    return {out.data(), out.size()};
}

std::string_view RandomIds::traceparent(std::array<char, kTraceparentBytes>& out) {
    constexpr std::string_view kShape = "00-................................-................-01";
    kShape.copy(out.data(), out.size());
    write_hex(next_not_zero(), out.data() + 3);
    write_hex(next(), out.data() + 19);
    write_hex(next_not_zero(), out.data() + 36);
    return {out.data(), out.size()};
}

}  // namespace steelyard::http
