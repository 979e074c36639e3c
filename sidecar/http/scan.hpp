#pragma once
// Character classes of RFC 9110 and searches over them: 16 bytes at a time with SSE2 (every x86-64 has it), else
// through a table. Private to this folder. Nothing here reads outside [p, end).
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <string_view>

#if defined(__SSE2__)
#include <emmintrin.h>
#endif

namespace steelyard::http::scan {

enum Class : uint8_t {
    kToken = 1,   // tchar, RFC 9110 section 5.6.2
    kValue = 2,   // field-content and white space: HTAB, SP, visible, obs-text (section 5.5)
    kTarget = 4,  // visible ASCII but "#", which a request target never holds (RFC 9112 section 3.2)
    kHost = 8,    // unreserved: what names and IPv4 addresses are made of. No "%" and no sub-delims
    kHex = 16,
};

constexpr std::array<uint8_t, 256> make_classes() {
    std::array<uint8_t, 256> classes{};
    for (int i = 0; i < 256; ++i) {
        const auto c = static_cast<char>(i);
        const bool digit = c >= '0' && c <= '9';
        const bool alnum = digit || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
        int bits = 0;
        if (alnum || (c != 0 && std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos)) bits |= kToken;
        if (i == '\t' || (i >= 0x20 && i != 0x7f)) bits |= kValue;
        if (i > 0x20 && i < 0x7f && c != '#') bits |= kTarget;
        if (alnum || c == '-' || c == '.' || c == '_' || c == '~') bits |= kHost;
        if (digit || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')) bits |= kHex;
        classes[static_cast<size_t>(i)] = static_cast<uint8_t>(bits);
    }
    return classes;
}
inline constexpr std::array<uint8_t, 256> kClasses = make_classes();

constexpr bool is(char c, Class wanted) { return (kClasses[static_cast<unsigned char>(c)] & wanted) != 0; }
constexpr bool is_blank(char c) { return c == ' ' || c == '\t'; }
constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }

inline const char* skip_by_table(const char* p, const char* end, Class wanted) {
    while (p != end && is(*p, wanted)) ++p;
    return p;
}

// The searches below look at [p, end) only, but may load from [floor, end): what stands before p is there to be read
// too, so that the last bytes of a head need no loop of their own. floor <= p.
#if defined(__SSE2__)
inline __m128i load_block(const char* p) { return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p)); }

// `stops` makes of 16 bytes a vector with 0xff where the search ends.
template <typename Stops>
inline const char* skip_blocks(const char* floor, const char* p, const char* end, Class wanted, Stops stops) {
    for (; end - p >= 16; p += 16) {
        const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops(load_block(p))));
        if (mask != 0) return p + std::countr_zero(mask);
    }
    if (end - floor < 16) return skip_by_table(p, end, wanted);
    const auto mask = static_cast<unsigned>(_mm_movemask_epi8(stops(load_block(end - 16)))) >> (16 - (end - p));
    return mask != 0 ? p + std::countr_zero(mask) : end;
}

// 0xff where a byte is `first` or one of the `span` after it.
inline __m128i within(__m128i x, char first, char span) {
    const __m128i offset = _mm_sub_epi8(x, _mm_set1_epi8(first));
    return _mm_cmpeq_epi8(_mm_min_epu8(offset, _mm_set1_epi8(span)), offset);
}
#endif

// The first byte that may not stand in a field value, or end.
inline const char* skip_value(const char* floor, const char* p, const char* end) {
#if defined(__SSE2__)
    return skip_blocks(floor, p, end, kValue, [](__m128i x) {
        const __m128i control = within(x, 0, 0x1f);
        const __m128i bad = _mm_andnot_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('\t')), control);
        return _mm_or_si128(bad, _mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)));
    });
#else
    static_cast<void>(floor);
    return skip_by_table(p, end, kValue);
#endif
}

// The first byte that may not stand in a request target, or end.
inline const char* skip_target(const char* floor, const char* p, const char* end) {
#if defined(__SSE2__)
    return skip_blocks(floor, p, end, kTarget, [](__m128i x) {
        // Signed: what is above 0x7f is negative, thus below 0x21 too.
        const __m128i outside = _mm_cmplt_epi8(x, _mm_set1_epi8(0x21));
        const __m128i special =
            _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8(0x7f)), _mm_cmpeq_epi8(x, _mm_set1_epi8('#')));
        return _mm_or_si128(outside, special);
    });
#else
    static_cast<void>(floor);
    return skip_by_table(p, end, kTarget);
#endif
}

// The first byte that is not a tchar, or end. Names are nearly always letters, digits and "-": others take the table.
inline const char* skip_token(const char* floor, const char* p, const char* end) {
#if defined(__SSE2__)
    p = skip_blocks(floor, p, end, kToken, [](__m128i x) {
        const __m128i letter = within(_mm_or_si128(x, _mm_set1_epi8(0x20)), 'a', 25);
        const __m128i common =
            _mm_or_si128(_mm_or_si128(letter, within(x, '0', 9)), _mm_cmpeq_epi8(x, _mm_set1_epi8('-')));
        return _mm_xor_si128(common, _mm_set1_epi8(-1));
    });
#else
    static_cast<void>(floor);
#endif
    return skip_by_table(p, end, kToken);
}

template <typename Word>
inline Word load(const char* p) {
    Word word;
    std::memcpy(&word, p, sizeof word);
    return word;
}

// Whether the n bytes at `text` are `wanted` but for case. `wanted` is lower-case letters, digits and "-", and `text`
// holds no control characters: for those, setting bit 5 is the whole of case folding.
inline bool equals_folded(const char* text, const char* wanted, size_t n) {
    constexpr uint64_t kFold = 0x2020202020202020U;
    if (n >= 8) {
        uint64_t difference = 0;
        for (size_t i = 0; i + 8 <= n; i += 8) {
            difference |= (load<uint64_t>(text + i) | kFold) ^ load<uint64_t>(wanted + i);
        }
        difference |= (load<uint64_t>(text + n - 8) | kFold) ^ load<uint64_t>(wanted + n - 8);
        return difference == 0;
    }
    if (n >= 4) {
        constexpr auto kFold32 = static_cast<uint32_t>(kFold);
        const uint32_t head = (load<uint32_t>(text) | kFold32) ^ load<uint32_t>(wanted);
        const uint32_t tail = (load<uint32_t>(text + n - 4) | kFold32) ^ load<uint32_t>(wanted + n - 4);
        return (head | tail) == 0;
    }
    for (size_t i = 0; i < n; ++i) {
        if ((text[i] | 0x20) != wanted[i]) return false;
    }
    return true;
}
inline bool equals_folded(std::string_view text, std::string_view wanted) {
    return text.size() == wanted.size() && equals_folded(text.data(), wanted.data(), wanted.size());
}

// Two strings of any bytes, equal but for the case of ASCII letters.
inline bool equals_ignoring_case(std::string_view a, std::string_view b) {
    if (a.size() != b.size()) return false;
    for (size_t i = 0; i < a.size(); ++i) {
        if (lower(a[i]) != lower(b[i])) return false;
    }
    return true;
}

inline std::string_view trim(std::string_view text) {
    while (!text.empty() && is_blank(text.front())) text.remove_prefix(1);
    while (!text.empty() && is_blank(text.back())) text.remove_suffix(1);
    return text;
}

// Takes the next element off a comma-separated list, trimmed; call while `list` is not empty. Quoted strings are not
// known: the lists that the proxy reads have none.
inline std::string_view next_element(std::string_view& list) {
    const size_t comma = list.find(',');
    const std::string_view element = trim(list.substr(0, comma));
    list.remove_prefix(comma == std::string_view::npos ? list.size() : comma + 1);
    return element;
}

}  // namespace steelyard::http::scan
