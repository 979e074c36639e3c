#include <array>

#include "sidecar/http/head_writer.hpp"
#include "sidecar/http/rewrite.hpp"

namespace steelyard::http {
namespace {

struct Phrase {
    uint16_t status;
    std::string_view text;
};

constexpr std::array kPhrases = {
    Phrase{100, "Continue"},
    Phrase{101, "Switching Protocols"},
    Phrase{103, "Early Hints"},
    Phrase{200, "OK"},
    Phrase{201, "Created"},
    Phrase{202, "Accepted"},
    Phrase{203, "Non-Authoritative Information"},
    Phrase{204, "No Content"},
    Phrase{205, "Reset Content"},
    Phrase{206, "Partial Content"},
    Phrase{300, "Multiple Choices"},
    Phrase{301, "Moved Permanently"},
    Phrase{302, "Found"},
    Phrase{303, "See Other"},
    Phrase{304, "Not Modified"},
    Phrase{307, "Temporary Redirect"},
    Phrase{308, "Permanent Redirect"},
    Phrase{400, "Bad Request"},
    Phrase{401, "Unauthorized"},
    Phrase{403, "Forbidden"},
    Phrase{404, "Not Found"},
    Phrase{405, "Method Not Allowed"},
    Phrase{408, "Request Timeout"},
    Phrase{411, "Length Required"},
    Phrase{413, "Content Too Large"},
    Phrase{414, "URI Too Long"},
    Phrase{417, "Expectation Failed"},
    Phrase{421, "Misdirected Request"},
    Phrase{425, "Too Early"},
    Phrase{426, "Upgrade Required"},
    Phrase{429, "Too Many Requests"},
    Phrase{431, "Request Header Fields Too Large"},
    Phrase{500, "Internal Server Error"},
    Phrase{501, "Not Implemented"},
    Phrase{502, "Bad Gateway"},
    Phrase{503, "Service Unavailable"},
    Phrase{504, "Gateway Timeout"},
    Phrase{505, "HTTP Version Not Supported"},
};

}  // namespace

std::string_view reason_phrase(uint16_t status) {
    for (const Phrase& phrase : kPhrases) {
        if (phrase.status == status) return phrase.text;
    }
    return "Unknown";
}

size_t write_error(uint16_t status, std::string_view detail, bool close, bool head_request, std::span<char> out,
                   const Edits* edits) {
    const std::string_view phrase = reason_phrase(status);
    constexpr size_t kAroundDetail = 3 + 1 + 2 + 1;  // "STATUS " ": " "\n"
    Writer writer(out);
    writer.put("HTTP/1.1 ");
    writer.put_number(status);
    writer.put(" ");
    writer.put(phrase);
    writer.put("\r\n");
    if (edits == nullptr || !edits->takes("content-type")) {
        writer.put("Content-Type: text/plain; charset=utf-8\r\n");
    }
    writer.put("Content-Length: ");
    writer.put_number(kAroundDetail + phrase.size() + detail.size());
    writer.put("\r\n");
    // RFC 9110 section 15.5.6 wants a list: what goes on to endpoints, which may refuse more.
    if (status == 405) writer.put("Allow: GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS\r\n");
    if (close) writer.put("Connection: close\r\n");
    if (edits != nullptr) writer.put(edits->lines());
    writer.put("\r\n");
    if (!head_request) {
        writer.put_number(status);
        writer.put(" ");
        writer.put(phrase);
        writer.put(": ");
        writer.put(detail);
        writer.put("\n");
    }
    return writer.size();
}

}  // namespace steelyard::http
