#pragma once
// Writes the head that goes on to the other side: hop-by-hop fields removed (Connection and what it names, Keep-Alive, Proxy-Connection, TE other
// than "trailers", Upgrade unless it is passed on, Transfer-Encoding rewritten as "chunked"; RFC 9110 section 7.6.1), forwarding fields added. Writes into the
// caller's buffer; allocates nothing.
#include <cstddef>
#include <span>
#include <string_view>

#include "sidecar/http/message.hpp"

namespace steelyard::http {

struct ForwardedFor {
    std::string_view client_address;  // IP literal without brackets
    std::string_view proto = "http";
};

// What the backend sees: always HTTP/1.1 and origin-form (or "*"), one Host field, first (the client's; HTTP/1.0 without one: `default_host`),
// X-Forwarded-For with the client appended to what came, X-Forwarded-Proto and X-Forwarded-Host set from what the client sent on this hop when
// absent, kept when present. Body framing stays (one Content-Length or Transfer-Encoding: chunked). Expect: 100-continue is passed on. With head.upgrade, Connection: upgrade
// and Upgrade are passed on. Returns the bytes written, 0 when `out` is too small.
size_t write_request_head(const RequestHead& head, const ForwardedFor& forwarded, std::string_view default_host,
                          std::span<char> out);

struct ResponseRewrite {
    bool close = false;              // the client connection ends after this response: "Connection: close"
    uint8_t client_minor_version = 1;  // an HTTP/1.0 client that stays is told "Connection: keep-alive"
    bool upgraded = false;           // 101: Connection and Upgrade are passed on
    bool strip_chunked = false;      // chunked body towards an HTTP/1.0 client: framing field left out (the body is dechunked by close)
};

// What the client sees: always HTTP/1.1 in the status line (RFC 9112 section 2.3 sends the proxy's own version). Returns bytes written, 0 when too small.
size_t write_response_head(const ResponseHead& head, const ResponseRewrite& rewrite, std::span<char> out);

// A whole small response of the proxy's own: status, text/plain body "STATUS reason: detail\n", Content-Length, and Connection: close when asked.
// For HEAD the body is left out. Returns bytes written, 0 when too small (512 bytes are always enough for a detail of 200).
size_t write_error(uint16_t status, std::string_view detail, bool close, bool head_request, std::span<char> out);

std::string_view reason_phrase(uint16_t status);

}  // namespace steelyard::http
