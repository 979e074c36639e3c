#include "sidecar/access_log/escape.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace steelyard::access_log {
namespace {

#if defined(__SSE2__)
// A bit for each of 16 bytes that has to be escaped.
unsigned special_of(__m128i x) {
    // Signed: what is above 0x7f is negative, thus below 0x20 too.
    const __m128i outside =
        _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8(0x20)), _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
    const __m128i quoting = _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')), _mm_cmpeq_epi8(x, _mm_set1_epi8('\\')));
    return static_cast<unsigned>(_mm_movemask_epi8(_mm_or_si128(outside, quoting)));
}

// The first byte of [p, end) that has to be escaped, or end.
const char* skip_plain(const char* p, const char* end) {
    for (; end - p >= 16; p += 16) {
        const unsigned mask = special_of(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
        if (mask != 0) return p + std::countr_zero(mask);
    }
    const auto left = static_cast<size_t>(end - p);
    if (left == 0) return end;
    alignas(16) std::array<char, 16> rest;
    rest.fill('x');
    std::memcpy(rest.data(), p, left);
    const unsigned mask = special_of(_mm_load_si128(reinterpret_cast<const __m128i*>(rest.data())));
    return mask != 0 ? p + std::countr_zero(mask) : end;
}
#else
const char* skip_plain(const char* p, const char* end) {
    const auto plain = [](char c) { return c >= 0x20 && c < 0x7f && c != '"' && c != '\\'; };
    while (p != end && plain(*p)) ++p;
    return p;
}
#endif

// Writes one escaped byte into `out` (6 bytes); returns its length.
size_t escape(char c, Style style, char* out) {
    constexpr std::string_view digits = "0123456789abcdef";
    const auto byte = static_cast<unsigned char>(c);
    out[0] = '\\';
    if (style == Style::text) {
        out[1] = 'x';
        out[2] = digits[byte >> 4U];
        out[3] = digits[byte & 15U];
        return 4;
    }
    if (c == '"' || c == '\\') {
        out[1] = c;
        return 2;
    }
    std::memcpy(out + 1, "u00", 3);
    out[4] = digits[byte >> 4U];
    out[5] = digits[byte & 15U];
    return 6;
}

}  // namespace

char* append_escaped(char* out, std::string_view text, size_t limit, Style style) {
    char* const end = out + limit;
    char* const last_cut = end - kCutMark.size();  // behind this there is no room for the mark
    char* cut = out;
    const char* p = text.data();
    const char* const text_end = p + text.size();
    while (p != text_end) {
        const char* const special = skip_plain(p, text_end);
        const auto run = static_cast<size_t>(special - p);
        const size_t fits = std::min(run, static_cast<size_t>(end - out));
        if (fits != 0) std::memcpy(out, p, fits);
        if (out <= last_cut) cut = std::min(out + fits, last_cut);
        out += fits;
        p += fits;
        bool full = fits < run;
        if (!full && special != text_end) {
            char escaped[6];
            const size_t size = escape(*p++, style, escaped);
            full = size > static_cast<size_t>(end - out);
            if (!full) {
                std::memcpy(out, escaped, size);
                out += size;
                if (out <= last_cut) cut = out;
            }
        }
        if (full) {
            std::memcpy(cut, kCutMark.data(), kCutMark.size());
            return cut + kCutMark.size();
        }
    }
    return out;
}

}  // namespace steelyard::access_log
