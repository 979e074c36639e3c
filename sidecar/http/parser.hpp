#pragma once
// Strict HTTP/1.x head parser (RFC 9110, RFC 9112): zero-copy, allocates nothing, throws nothing, keeps no state but
// what the caller hands back. Whatever two parsers could read differently is refused, never mended: bare LF or CR,
// obs-fold, space before a colon, Content-Length beside Transfer-Encoding, repeated or listed lengths, codings other
// than exactly one "chunked", Transfer-Encoding in HTTP/1.0, more than one Host, an absolute-form target that names
// another host than Host does, a known method in another case ("Head"), an absolute-form target with a query but no
// path.
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "sidecar/http/message.hpp"

namespace steelyard::http {

struct Limits {
    uint32_t max_head_bytes = 16 * 1024;  // request line or status line, fields and the empty line; beyond: too_large
    uint32_t max_headers = 100;           // <= kMaxHeaders
};

// Why a head or a body was refused; the name is the metric's label.
enum class Fault : uint8_t {
    none,
    bad_request_line,
    bad_status_line,
    bad_version,  // not HTTP/1.0 or HTTP/1.1
    bad_target,
    bad_header_name,   // also white space before the colon, or a trailer that must not be one
    bad_header_value,  // control characters, more than 32 connection options
    bare_line_feed,    // LF without CR, or CR without LF
    obsolete_fold,     // a field line that begins with white space
    missing_host,
    duplicate_host,
    bad_host,
    host_mismatch,            // absolute-form authority and Host differ
    bad_content_length,       // not a number, beyond 63 bits, listed or repeated
    length_and_encoding,      // Content-Length beside Transfer-Encoding
    bad_transfer_encoding,    // malformed, repeated, "chunked" not last, or in HTTP/1.0
    unknown_transfer_coding,  // well-formed, but another coding than "chunked"
    bad_connect,              // CONNECT is refused
    head_too_large,
    too_many_headers,
    bad_chunk,  // size line, extension, or end of a chunk
    trailer_too_large,
};
std::string_view to_string(Fault fault);

// 400, 431 (head_too_large, too_many_headers, trailer_too_large), 501 for an unknown transfer coding (RFC 9112 6.1),
// 505 for bad_version, 405 for bad_connect.
uint16_t status_for(Fault fault);

enum class ParseState : uint8_t { complete, incomplete, refused };

struct ParseResult {
    ParseState state = ParseState::incomplete;
    uint32_t head_bytes = 0;  // complete: bytes of input that the head took, including its empty line
    Fault fault = Fault::none;
};

// `input` is what was read so far, from the head's first byte. `scanned` is a resume hint owned by the caller, 0 for
// a new head and set back to 0 by a verdict: what was searched already is not searched again, so that a head sent
// byte by byte costs linear time. A fault in such a head may be reported as late as its empty line. A request's
// leading empty line (at most one CRLF, RFC 9112 2.2) is skipped and counted in head_bytes. `head` means something
// only when complete.
ParseResult parse_request(std::string_view input, uint32_t& scanned, const Limits& limits, RequestHead& head);

// `request_method` decides whether a body follows (HEAD; RFC 9112 section 6.3). A 1xx, 204 or 304 has none, whatever it
// claims; one that claims a body where none may be also loses keep_alive, as its connection may hold bytes of it.
ParseResult parse_response(std::string_view input, uint32_t& scanned, const Limits& limits, Method request_method,
                           ResponseHead& head);

}  // namespace steelyard::http
