#pragma once
// What request_parser.cpp and response_parser.cpp share: a cursor over the head, the field lines with what they say
// about framing and the connection, and resuming. Private to this folder.
#include <algorithm>
#include <cstdint>
#include <string_view>

#include "sidecar/http/parser.hpp"

namespace steelyard::http {

// Where parsing is, and what stopped it. A parse function leaves `p` behind what it took.
struct Cursor {
    const char* begin;
    const char* p;
    const char* end;
    Fault fault = Fault::none;

    ParseState refuse(Fault why) {
        fault = why;
        return ParseState::refused;
    }
};

// What the fields said, gathered while they went by.
struct FieldFacts {
    std::string_view host;
    std::string_view transfer_encoding;
    uint64_t content_length = 0;
    bool has_host = false;
    bool has_length = false;
    bool has_encoding = false;
    bool close = false;  // the connection options
    bool keep_alive = false;
    bool upgrade = false;
    bool has_upgrade = false;  // the fields
    bool upgrade_to_h2c = false;
    bool expect_continue = false;
    uint32_t connection_options = 0;

    bool persistent(uint8_t minor_version) const { return !close && (minor_version == 1 || keep_alive); }
};

// From the first field line to the empty line, that included.
ParseState parse_fields(Cursor& cursor, uint32_t max_headers, HeaderList& headers, FieldFacts& facts);

// RFC 9112 section 6.1: none, or the reason why length and coding do not make one frame.
Fault check_framing(const FieldFacts& facts, uint8_t minor_version);

// "HTTP/1.0" or "HTTP/1.1" at the cursor.
ParseState parse_version(Cursor& cursor, uint8_t& minor_version);

// CRLF at the cursor; another byte where CR should be is `otherwise`.
ParseState parse_line_end(Cursor& cursor, Fault otherwise);

// Whether the bytes behind `scanned` can have changed the verdict: the head's empty line or its first line ended in
// them, or the head has doubled. So a head in pieces is parsed a bounded number of times and searched once.
bool worth_parsing(std::string_view head, uint32_t scanned);

template <typename ParseOnce>
ParseResult parse_resumed(std::string_view input, uint32_t& scanned, const Limits& limits, ParseOnce parse_once) {
    const std::string_view head = input.substr(0, limits.max_head_bytes);
    const bool full = head.size() == limits.max_head_bytes;
    if (scanned == 0 || full || worth_parsing(head, scanned)) {
        Cursor cursor{head.data(), head.data(), head.data() + head.size()};
        const ParseState state = parse_once(cursor);
        if (state != ParseState::incomplete) {
            scanned = 0;
            const auto bytes = static_cast<uint32_t>(cursor.p - head.data());
            return {state, state == ParseState::complete ? bytes : 0, cursor.fault};
        }
        if (full) {
            scanned = 0;
            return {ParseState::refused, 0, Fault::head_too_large};
        }
    }
    scanned = static_cast<uint32_t>(head.size());
    return {};
}

}  // namespace steelyard::http
