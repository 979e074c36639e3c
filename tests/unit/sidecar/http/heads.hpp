#pragma once
// Helpers of this folder's tests: heads are parsed from a heap copy of just their size, so that AddressSanitizer sees
// any read outside, and faults print by name.
#include <cstring>
#include <memory>
#include <ostream>
#include <string>
#include <string_view>

#include "sidecar/http/parser.hpp"

namespace steelyard::http {

inline void PrintTo(Fault fault, std::ostream* out) { *out << to_string(fault); }
inline void PrintTo(ParseState state, std::ostream* out) {
    *out << (state == ParseState::complete ? "complete" : state == ParseState::refused ? "refused" : "incomplete");
}

// A request that was parsed, with the bytes that its views point to.
struct ParsedRequest {
    std::unique_ptr<char[]> bytes;
    ParseResult result;
    RequestHead head;
};
struct ParsedResponse {
    std::unique_ptr<char[]> bytes;
    ParseResult result;
    ResponseHead head;
};

inline std::unique_ptr<char[]> exact_copy(std::string_view text) {
    auto bytes = std::make_unique<char[]>(text.size());
    if (!text.empty()) std::memcpy(bytes.get(), text.data(), text.size());
    return bytes;
}

inline std::unique_ptr<ParsedRequest> request(std::string_view text, const Limits& limits = {}) {
    auto parsed = std::make_unique<ParsedRequest>();
    parsed->bytes = exact_copy(text);
    uint32_t scanned = 0;
    parsed->result = parse_request({parsed->bytes.get(), text.size()}, scanned, limits, parsed->head);
    return parsed;
}

inline std::unique_ptr<ParsedResponse> response(std::string_view text, Method method = Method::get,
                                                const Limits& limits = {}) {
    auto parsed = std::make_unique<ParsedResponse>();
    parsed->bytes = exact_copy(text);
    uint32_t scanned = 0;
    parsed->result = parse_response({parsed->bytes.get(), text.size()}, scanned, limits, method, parsed->head);
    return parsed;
}

// "POST / HTTP/1.1" with Host and these field lines, each with its CRLF.
inline std::string post_with(std::string_view lines) {
    return "POST /p HTTP/1.1\r\nHost: shop.test\r\n" + std::string(lines) + "\r\n";
}
inline Fault request_fault(std::string_view text) { return request(text)->result.fault; }
inline Fault response_fault(std::string_view text) { return response(text)->result.fault; }

// Control characters as C writes them, for messages.
inline std::string printable(std::string_view text) {
    std::string out;
    for (const char c : text.substr(0, 200)) {
        if (c == '\r') {
            out += "\\r";
        } else if (c == '\n') {
            out += "\\n";
        } else if (c == '\t') {
            out += "\\t";
        } else if (c < 0x20 || c == 0x7f) {
            out += '?';
        } else {
            out += c;
        }
    }
    return out;
}

}  // namespace steelyard::http
