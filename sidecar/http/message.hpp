#pragma once
// HTTP/1.x message heads as views into the bytes they were read into (RFC 9112). A head is valid as long as those
// bytes stay where they are; one RequestHead and one ResponseHead per worker are enough, as a head is rewritten as
// soon as it is parsed.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

namespace steelyard::http {

enum class Method : uint8_t { get, head, post, put, delete_, options, patch, trace, connect, other };

// Methods that may be sent again when the first try got no answer (RFC 9110 section 9.2.2).
constexpr bool is_idempotent(Method m) {
    return m == Method::get || m == Method::head || m == Method::put || m == Method::delete_ || m == Method::options ||
           m == Method::trace;
}

// The fields that the proxy itself acts on; everything else is `other` and passed through untouched.
enum class HeaderId : uint8_t {
    other,
    host,
    connection,
    content_length,
    transfer_encoding,
    te,
    trailer,
    upgrade,
    expect,
    keep_alive,
    proxy_connection,
    proxy_authenticate,
    proxy_authorization,
    x_forwarded_for,
    x_forwarded_proto,
    x_forwarded_host,
    forwarded,
    x_real_ip,
    lookalike,  // one of the above or below but for "_" in the place of "-": CGI-like gateways take one for the other
    // From here on no field of these decides who is believed or where a message ends.
    x_request_id,
    traceparent,
    tracestate,
};

// Kinds that a trailer must not be (RFC 9110 section 6.5.1), and that Connection takes away from nobody.
constexpr bool is_protected(HeaderId id) { return id != HeaderId::other && id <= HeaderId::lookalike; }

struct Header {
    std::string_view name;   // as received
    std::string_view value;  // without surrounding white space
    HeaderId id = HeaderId::other;
};

constexpr size_t kMaxHeaders = 128;

// Fixed storage: parsing allocates nothing.
class HeaderList {
public:
    void clear() {
        size_ = 0;
        seen_ = 0;
    }
    bool push(const Header& header) {
        if (size_ == kMaxHeaders) return false;
        items_[size_++] = header;
        seen_ |= 1U << static_cast<unsigned>(header.id);
        return true;
    }
    // Whether a field of this kind is there, without a search.
    bool has(HeaderId id) const { return (seen_ >> static_cast<unsigned>(id) & 1U) != 0; }
    size_t size() const { return size_; }
    const Header* begin() const { return items_.data(); }
    const Header* end() const { return items_.data() + size_; }
    const Header& operator[](size_t i) const { return items_[i]; }

private:
    std::array<Header, kMaxHeaders> items_;
    size_t size_ = 0;
    uint32_t seen_ = 0;  // a bit for each HeaderId
};

// How the body's end is found (RFC 9112 section 6.3).
enum class Framing : uint8_t { none, length, chunked, until_close };

struct RequestHead {
    Method method = Method::other;
    std::string_view method_text;
    std::string_view target;  // as received
    std::string_view
        authority;          // from an absolute-form target, else the Host field; empty only for HTTP/1.0 without Host
    std::string_view path;  // origin-form part of the target: "/a?b", or "*"
    uint8_t minor_version = 1;  // HTTP/1.0 or HTTP/1.1
    Framing framing = Framing::none;
    uint64_t content_length = 0;  // for Framing::length
    bool keep_alive = true;       // what the client asked for, by version and Connection
    bool expect_continue = false;
    // An Upgrade field, named by Connection, in HTTP/1.1: the answer may be 101. Never for "h2c": the tunnel
    // would carry requests that no route was matched for, so that field is dropped and the request stays an
    // HTTP/1.1 one.
    bool upgrade = false;
    // TRACE and OPTIONS: how many more hops the request may take (RFC 9110 section 7.6.2), at most kMostForwards.
    std::optional<uint32_t> max_forwards;
    HeaderList headers;
};
constexpr uint32_t kMostForwards = 999'999'999;

struct ResponseHead {
    uint16_t status = 0;  // 100 .. 599
    std::string_view reason;
    uint8_t minor_version = 1;
    Framing framing = Framing::none;
    uint64_t content_length = 0;
    bool keep_alive = true;  // the backend's connection may be used again once the body has ended
    HeaderList headers;

    // 1xx other than 101: another head follows on the same exchange.
    bool informational() const { return status < 200 && status != 101; }
};

}  // namespace steelyard::http
