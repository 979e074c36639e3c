#include "sidecar/http/fields.hpp"
#include "sidecar/http/parser.hpp"
#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

ParseState parse_status(Cursor& cursor, ResponseHead& head) {
    // SP and three digits.
    unsigned status = 0;
    for (int i = 0; i < 4; ++i, ++cursor.p) {
        if (cursor.p == cursor.end) return ParseState::incomplete;
        const char c = *cursor.p;
        if (i == 0 ? c != ' ' : !scan::is_digit(c)) return cursor.refuse(Fault::bad_status_line);
        if (i > 0) status = status * 10 + static_cast<unsigned>(c - '0');
    }
    if (status < 100 || status > 599) return cursor.refuse(Fault::bad_status_line);
    head.status = static_cast<uint16_t>(status);
    return ParseState::complete;
}

// SP reason-phrase CRLF, or CRLF at once, as some servers send it.
ParseState parse_reason(Cursor& cursor, ResponseHead& head) {
    head.reason = {};
    if (cursor.p == cursor.end) return ParseState::incomplete;
    if (*cursor.p == ' ') {
        const char* const begin = ++cursor.p;
        cursor.p = scan::skip_value(cursor.begin, begin, cursor.end);
        head.reason = {begin, static_cast<size_t>(cursor.p - begin)};
    }
    return parse_line_end(cursor, Fault::bad_status_line);
}

ParseState parse_status_line(Cursor& cursor, ResponseHead& head) {
    ParseState state = parse_version(cursor, head.minor_version);
    if (state == ParseState::refused && cursor.fault == Fault::none) return cursor.refuse(Fault::bad_status_line);
    if (state != ParseState::complete) return state;
    state = parse_status(cursor, head);
    return state == ParseState::complete ? parse_reason(cursor, head) : state;
}

// RFC 9112 section 6.3.
void settle_framing(ResponseHead& head, const FieldFacts& facts, Method request_method) {
    head.keep_alive = facts.persistent(head.minor_version);
    head.content_length = 0;
    const bool never_a_body = head.status < 200 || head.status == 204;
    if (never_a_body || head.status == 304 || request_method == Method::head) {
        head.framing = Framing::none;
        if (never_a_body && (facts.has_encoding || facts.content_length != 0)) head.keep_alive = false;
    } else if (facts.has_encoding) {
        head.framing = Framing::chunked;
    } else if (facts.has_length) {
        head.framing = Framing::length;
        head.content_length = facts.content_length;
    } else {
        head.framing = Framing::until_close;
        head.keep_alive = false;
    }
}

ParseState parse_once(Cursor& cursor, const Limits& limits, Method request_method, ResponseHead& head) {
    head.headers.clear();
    ParseState state = parse_status_line(cursor, head);
    if (state != ParseState::complete) return state;
    FieldFacts facts;
    state = parse_fields(cursor, limits.max_headers, head.headers, facts);
    if (state != ParseState::complete) return state;
    const Fault fault = check_framing(facts, head.minor_version);
    if (fault != Fault::none) return cursor.refuse(fault);
    settle_framing(head, facts, request_method);
    return ParseState::complete;
}

}  // namespace

ParseResult parse_response(std::string_view input, uint32_t& scanned, const Limits& limits, Method request_method,
                           ResponseHead& head) {
    return parse_resumed(input, scanned, limits,
                         [&](Cursor& cursor) { return parse_once(cursor, limits, request_method, head); });
}

}  // namespace steelyard::http
