#include <algorithm>
#include <cstring>

#include "sidecar/http/fields.hpp"
#include "sidecar/http/parser.hpp"
#include "sidecar/http/scan.hpp"
#include "sidecar/http/target.hpp"

namespace steelyard::http {
namespace {

struct KnownMethod {
    std::string_view text;
    Method method;
};
constexpr KnownMethod kMethods[] = {
    {"GET", Method::get},     {"HEAD", Method::head},      {"POST", Method::post},
    {"PUT", Method::put},     {"DELETE", Method::delete_}, {"OPTIONS", Method::options},
    {"PATCH", Method::patch}, {"TRACE", Method::trace},    {"CONNECT", Method::connect},
};

// Methods are case-sensitive, but not in every backend: one that answers "head" as it would HEAD would leave the
// connection out of step with us. So a known method in another case is refused.
bool identify_method(std::string_view text, Method& method) {
    method = Method::other;
    for (const KnownMethod& known : kMethods) {
        if (!scan::equals_ignoring_case(text, known.text)) continue;
        method = known.method;
        return text == known.text;
    }
    return true;
}

ParseState parse_method(Cursor& cursor, RequestHead& head) {
    const char* const begin = cursor.p;
    if (cursor.end - begin >= 4 && std::memcmp(begin, "GET ", 4) == 0) {
        head.method = Method::get;
        head.method_text = {begin, 3};
        cursor.p += 4;
        return ParseState::complete;
    }
    const char* const p = scan::skip_token(cursor.begin, begin, cursor.end);
    if (p == cursor.end) return ParseState::incomplete;
    head.method_text = {begin, static_cast<size_t>(p - begin)};
    if (p == begin || *p != ' ' || !identify_method(head.method_text, head.method)) {
        return cursor.refuse(*p == '\n' ? Fault::bare_line_feed : Fault::bad_request_line);
    }
    cursor.p = p + 1;
    return ParseState::complete;
}

ParseState parse_target(Cursor& cursor, RequestHead& head) {
    const char* const begin = cursor.p;
    const char* const p = scan::skip_target(cursor.begin, begin, cursor.end);
    if (p == cursor.end) return ParseState::incomplete;
    if (*p != ' ') {
        if (*p == '\n') return cursor.refuse(Fault::bare_line_feed);
        // A line that ends here is HTTP/0.9's.
        return cursor.refuse(*p == '\r' ? Fault::bad_request_line : Fault::bad_target);
    }
    if (p == begin) return cursor.refuse(Fault::bad_request_line);
    head.target = {begin, static_cast<size_t>(p - begin)};
    cursor.p = p + 1;
    return ParseState::complete;
}

ParseState parse_request_line(Cursor& cursor, RequestHead& head) {
    ParseState state = parse_method(cursor, head);
    if (state != ParseState::complete) return state;
    state = parse_target(cursor, head);
    if (state != ParseState::complete) return state;
    state = parse_version(cursor, head.minor_version);
    if (state == ParseState::refused && cursor.fault == Fault::none) return cursor.refuse(Fault::bad_request_line);
    if (state != ParseState::complete) return state;
    return parse_line_end(cursor, Fault::bad_request_line);
}

// Other methods' is no business of ours. One that is no number, or comes twice, would have the request go round for ever.
Fault read_max_forwards(RequestHead& head) {
    head.max_forwards.reset();
    if (head.method != Method::trace && head.method != Method::options) return Fault::none;
    for (const Header& field : head.headers) {
        if (!scan::equals_ignoring_case(field.name, "max-forwards")) continue;
        if (head.max_forwards || field.value.empty()) return Fault::bad_header_value;
        uint64_t hops = 0;
        for (const char c : field.value) {
            if (!scan::is_digit(c)) return Fault::bad_header_value;
            hops = std::min<uint64_t>(hops * 10 + static_cast<uint64_t>(c - '0'), kMostForwards);
        }
        head.max_forwards = static_cast<uint32_t>(hops);
    }
    return Fault::none;
}

// What only the whole head tells.
Fault settle(RequestHead& head, const FieldFacts& facts) {
    Fault fault = settle_authority(head, facts.has_host, facts.host);
    if (fault == Fault::none) fault = check_framing(facts, head.minor_version);
    if (fault == Fault::none) fault = read_max_forwards(head);
    if (fault != Fault::none) return fault;

    head.framing = facts.has_encoding ? Framing::chunked : facts.has_length ? Framing::length : Framing::none;
    head.content_length = facts.content_length;
    head.keep_alive = facts.persistent(head.minor_version);
    head.expect_continue = facts.expect_continue && head.minor_version == 1;
    head.upgrade = facts.upgrade && facts.has_upgrade && !facts.upgrade_to_h2c && head.minor_version == 1;
    return Fault::none;
}

ParseState parse_once(Cursor& cursor, const Limits& limits, RequestHead& head) {
    head.headers.clear();
    if (cursor.p == cursor.end) return ParseState::incomplete;
    if (*cursor.p == '\r' || *cursor.p == '\n') {
        const ParseState state = parse_line_end(cursor, Fault::bad_request_line);
        if (state != ParseState::complete) return state;
        if (cursor.p == cursor.end) return ParseState::incomplete;
    }
    ParseState state = parse_request_line(cursor, head);
    if (state != ParseState::complete) return state;
    Fault fault = split_target(head);
    if (fault != Fault::none) return cursor.refuse(fault);

    FieldFacts facts;
    state = parse_fields(cursor, limits.max_headers, head.headers, facts);
    if (state != ParseState::complete) return state;
    fault = settle(head, facts);
    return fault == Fault::none ? ParseState::complete : cursor.refuse(fault);
}

}  // namespace

ParseResult parse_request(std::string_view input, uint32_t& scanned, const Limits& limits, RequestHead& head) {
    return parse_resumed(input, scanned, limits, [&](Cursor& cursor) { return parse_once(cursor, limits, head); });
}

}  // namespace steelyard::http
