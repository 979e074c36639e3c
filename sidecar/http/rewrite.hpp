#pragma once
// Writes the head that goes on to the other side: hop-by-hop fields removed (Connection and what it names, Keep-Alive,
// Proxy-Connection, Proxy-Authenticate, Proxy-Authorization, TE other than "trailers", Upgrade unless it is passed on,
// Transfer-Encoding rewritten as "chunked"; RFC 9110 section 7.6.1), forwarding fields added. Host, Content-Length,
// Transfer-Encoding, Expect and what tells who asked are never removed because Connection names them: that is an attack,
// not a request. A request's fields that differ from those in "_" for "-" alone (X_Forwarded_For) are removed. Writes into the caller's buffer, which must not overlap the head's bytes; allocates nothing. A head that
// parser.hpp produced is copied in runs of neighbouring lines; one put together by hand is copied line by line.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "sidecar/http/edits.hpp"
#include "sidecar/http/message.hpp"
#include "sidecar/http/rules.hpp"

namespace steelyard::http {

struct ContentChange;

// What is known of who asked. Views need to live for the call alone.
struct ForwardedFor {
    std::string_view client_address = {};  // of the peer on this hop: an IP literal without brackets
    std::string_view proto = "http";
    // The peer's own X-Forwarded-*, Forwarded and X-Real-IP are kept and added to; else they are dropped and written anew.
    bool trusted = false;
    std::string_view real_ip = {};      // of who asked, behind trusted peers; "": X-Real-IP is not written
    bool forwarded = false;             // Forwarded (RFC 7239) is written
    std::string_view request_id = {};   // takes the place of every X-Request-Id; "": what came is passed on
    std::string_view traceparent = {};  // takes the place of one that is missing or malformed; "": there is none then
};

// Of an answer that the proxy has, and asks about: If-None-Match and If-Modified-Since in the place of the client's own. Both empty: the client's
// go on.
struct Validators {
    std::string_view etag = {};
    std::string_view last_modified = {};
    bool any() const { return !etag.empty() || !last_modified.empty(); }
};

// What the backend sees: always HTTP/1.1 and origin-form (or "*"), one Host field, first (the client's; HTTP/1.0
// without one: `default_host`), one X-Forwarded-For that ends with the peer, X-Forwarded-Proto and X-Forwarded-Host as
// the client sent its request on this hop, or as a trusted peer says. A malformed or repeated traceparent is dropped,
// and tracestate with it. Body framing stays (one Content-Length or Transfer-Encoding: chunked). Expect: 100-continue is
// passed on, save for an HTTP/1.0 client (RFC 9110 section 10.1.1). With head.upgrade, Connection: upgrade and Upgrade
// are passed on. Returns the bytes written, 0 when `out` is too small.
// `rules` (null: none) change the target's path, the Host and other fields last; X-Forwarded-Host and Forwarded keep the client's Host.
size_t write_request_head(const RequestHead& head, const ForwardedFor& forwarded, std::string_view default_host,
                          std::span<char> out, const Rules* rules = nullptr, const Validators& validators = {});

struct ResponseRewrite {
    bool close = false;                // the client connection ends after this response: "Connection: close"
    uint8_t client_minor_version = 1;  // an HTTP/1.0 client that stays is told "Connection: keep-alive"
    bool upgraded = false;             // 101: Connection and Upgrade are passed on
    // Chunked body towards an HTTP/1.0 client: no framing field and no Trailer, and "Connection: close", as the
    // connection's end is then the body's. Send only the data that BodyTracker::consume(input, data) hands out,
    // then close.
    bool strip_chunked = false;
    const Edits* edits = nullptr;            // null: none. Not of interim answers
    const ContentChange* content = nullptr;  // null: the content is passed on
};

// What the client sees: always HTTP/1.1 in the status line (RFC 9112 section 2.3 sends the proxy's own version). A body
// that runs until close also says "Connection: close". A 1xx carries no Connection but for upgraded; a 1xx or 204 no
// Content-Length. Returns bytes written, 0 when too small.
size_t write_response_head(const ResponseHead& head, const ResponseRewrite& rewrite, std::span<char> out);

// A whole small response of the proxy's own: status, text/plain body "STATUS reason: detail\n", Content-Length, and
// Connection: close when asked. For HEAD the body is left out. Returns bytes written, 0 when too small (512 bytes are
// always enough for a detail of 200, without `edits`).
size_t write_error(uint16_t status, std::string_view detail, bool close, bool head_request, std::span<char> out,
                   const Edits* edits = nullptr);

// A whole response of the proxy's own without content. Returns bytes written, 0 when too small.
struct LocalAnswer {
    uint16_t status = 200;
    bool close = false;                // the client connection ends after it
    uint8_t client_minor_version = 1;  // an HTTP/1.0 client that stays is told
    const Edits* edits = nullptr;      // null: none
};
size_t write_empty(const LocalAnswer& answer, std::span<char> out);
// With a Location of scheme, host, port and the request's path and query: always a whole URI, so that a path such as "//evil.test" names no
// host. `scheme` is the request's own. The head has an authority, or the redirect a host.
size_t write_redirect(const config::Redirect& to, const RequestHead& head, std::string_view scheme,
                      const LocalAnswer& answer, std::span<char> out);

// The phrase of RFC 9110 section 15 (and 6585, 8470); "Unknown" for a status without one.
std::string_view reason_phrase(uint16_t status);

}  // namespace steelyard::http
