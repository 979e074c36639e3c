#include "sidecar/http/fields.hpp"

#include <bit>
#include <cstring>

#include "sidecar/http/header_names.hpp"
#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

// Bounds what rewriting compares: options times fields.
constexpr uint32_t kMaxConnectionOptions = 32;

Fault note_content_length(std::string_view value, FieldFacts& facts) {
    if (facts.has_length || value.empty() || value.size() > 19) return Fault::bad_content_length;
    uint64_t length = 0;
    for (const char c : value) {
        if (!scan::is_digit(c)) return Fault::bad_content_length;
        length = length * 10 + static_cast<uint64_t>(c - '0');
    }
    if (length > static_cast<uint64_t>(INT64_MAX)) return Fault::bad_content_length;
    facts.has_length = true;
    facts.content_length = length;
    return Fault::none;
}

Fault note_connection(std::string_view value, FieldFacts& facts) {
    while (!value.empty()) {
        const std::string_view option = scan::next_element(value);
        if (++facts.connection_options > kMaxConnectionOptions) return Fault::bad_header_value;
        if (scan::equals_folded(option, "keep-alive")) {
            facts.keep_alive = true;
        } else if (scan::equals_folded(option, "close")) {
            facts.close = true;
        } else if (scan::equals_folded(option, "upgrade")) {
            facts.upgrade = true;
        }
    }
    return Fault::none;
}

void note_upgrade(std::string_view value, FieldFacts& facts) {
    facts.has_upgrade = true;
    while (!value.empty()) {
        if (scan::equals_folded(scan::next_element(value), "h2c")) facts.upgrade_to_h2c = true;
    }
}

Fault note(const Header& header, FieldFacts& facts) {
    switch (header.id) {
        case HeaderId::host:
            if (facts.has_host) return Fault::duplicate_host;
            facts.has_host = true;
            facts.host = header.value;
            return Fault::none;
        case HeaderId::content_length:
            return note_content_length(header.value, facts);
        case HeaderId::transfer_encoding:
            if (facts.has_encoding) return Fault::bad_transfer_encoding;
            facts.has_encoding = true;
            facts.transfer_encoding = header.value;
            return Fault::none;
        case HeaderId::connection:
            return note_connection(header.value, facts);
        case HeaderId::upgrade:
            note_upgrade(header.value, facts);
            return Fault::none;
        case HeaderId::expect:
            if (scan::equals_folded(header.value, "100-continue")) facts.expect_continue = true;
            return Fault::none;
        default:
            return Fault::none;
    }
}

// Why the byte at `p` cannot follow in a field value, where only CRLF can.
Fault value_fault(char c) { return c == '\n' || c == '\r' ? Fault::bare_line_feed : Fault::bad_header_value; }

Fault first_byte_fault(char c) {
    if (scan::is_blank(c)) return Fault::obsolete_fold;
    return c == '\n' ? Fault::bare_line_feed : Fault::bad_header_name;
}

// One line; `cursor.p` is its first byte, which exists.
inline ParseState parse_field(Cursor& cursor, Header& header) {
    const char* const end = cursor.end;
    const char* const name = cursor.p;
    const char* p = scan::skip_token(cursor.begin, name, end);
    if (p == end) return ParseState::incomplete;
    if (p == name) return cursor.refuse(first_byte_fault(*p));
    if (*p != ':') return cursor.refuse(Fault::bad_header_name);
    header.name = {name, static_cast<size_t>(p - name)};

    ++p;
    while (p != end && scan::is_blank(*p)) ++p;
    const char* const value = p;
    p = scan::skip_value(cursor.begin, p, end);
    if (p == end) return ParseState::incomplete;
    if (*p != '\r') return cursor.refuse(value_fault(*p));
    if (end - p < 2) return ParseState::incomplete;
    if (p[1] != '\n') return cursor.refuse(Fault::bare_line_feed);

    const char* value_end = p;
    while (value_end != value && scan::is_blank(value_end[-1])) --value_end;
    header.value = {value, static_cast<size_t>(value_end - value)};
    header.id = identify(header.name);
    cursor.p = p + 2;
    return ParseState::complete;
}

}  // namespace

ParseState parse_fields(Cursor& cursor, uint32_t max_headers, HeaderList& headers, FieldFacts& facts) {
    const size_t most = std::min<size_t>(max_headers, kMaxHeaders);
    while (cursor.p != cursor.end) {
        if (*cursor.p == '\r') return parse_line_end(cursor, Fault::bare_line_feed);
        Header header;
        const ParseState state = parse_field(cursor, header);
        if (state != ParseState::complete) return state;
        if (headers.size() == most) return cursor.refuse(Fault::too_many_headers);
        headers.push(header);
        if (header.id != HeaderId::other) {
            const Fault fault = note(header, facts);
            if (fault != Fault::none) return cursor.refuse(fault);
        }
    }
    return ParseState::incomplete;
}

Fault check_framing(const FieldFacts& facts, uint8_t minor_version) {
    if (!facts.has_encoding) return Fault::none;
    if (facts.has_length) return Fault::length_and_encoding;
    if (minor_version == 0) return Fault::bad_transfer_encoding;
    if (scan::equals_folded(facts.transfer_encoding, "chunked")) return Fault::none;

    // Not ours to read; say whether it is a coding we do not know, or nonsense.
    std::string_view list = facts.transfer_encoding;
    if (list.empty()) return Fault::bad_transfer_encoding;
    while (!list.empty()) {
        const bool comma_follows = list.find(',') != std::string_view::npos;
        const std::string_view coding = scan::next_element(list);
        const char* const coding_end = coding.data() + coding.size();
        const bool token =
            !coding.empty() && scan::skip_by_table(coding.data(), coding_end, scan::kToken) == coding_end;
        if (!token || (comma_follows && (list.empty() || scan::equals_folded(coding, "chunked")))) {
            return Fault::bad_transfer_encoding;
        }
    }
    return Fault::unknown_transfer_coding;
}

ParseState parse_version(Cursor& cursor, uint8_t& minor_version) {
    constexpr std::string_view kShape = "HTTP/1.";
    const char* const p = cursor.p;
    const auto there = static_cast<size_t>(cursor.end - p);
    if (there >= 8 && std::memcmp(p, kShape.data(), kShape.size()) == 0 && (p[7] == '1' || p[7] == '0')) {
        minor_version = static_cast<uint8_t>(p[7] - '0');
        cursor.p += 8;
        return ParseState::complete;
    }
    // HTTP-name is case-sensitive; "HTTP/" DIGIT "." DIGIT is a version, though none of ours.
    for (size_t i = 0; i < std::min<size_t>(there, 8); ++i) {
        const bool fits = i == 5 || i == 7 ? scan::is_digit(p[i]) : p[i] == kShape[i];
        if (!fits) return ParseState::refused;
    }
    return there < 8 ? ParseState::incomplete : cursor.refuse(Fault::bad_version);
}

ParseState parse_line_end(Cursor& cursor, Fault otherwise) {
    if (cursor.p == cursor.end) return ParseState::incomplete;
    if (*cursor.p != '\r') return cursor.refuse(*cursor.p == '\n' ? Fault::bare_line_feed : otherwise);
    if (cursor.end - cursor.p < 2) return ParseState::incomplete;
    if (cursor.p[1] != '\n') return cursor.refuse(Fault::bare_line_feed);
    cursor.p += 2;
    return ParseState::complete;
}

bool worth_parsing(std::string_view head, uint32_t scanned) {
    if (std::bit_width(head.size()) != std::bit_width(size_t{scanned})) return true;
    for (size_t at = head.find('\n', scanned); at != std::string_view::npos; at = head.find('\n', at + 1)) {
        const bool empty_line =
            at >= 1 && (head[at - 1] == '\n' || (at >= 2 && head[at - 1] == '\r' && head[at - 2] == '\n'));
        if (empty_line || head.find('\n', 2) >= scanned) return true;
    }
    return false;
}

}  // namespace steelyard::http
