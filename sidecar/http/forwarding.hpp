#pragma once
// Who asked: what earlier proxies say in X-Forwarded-For (a custom without an RFC) and Forwarded (RFC 7239), and how far that is believed.
// A field counts only when the peer that sent it is trusted; then the hops are read from the right, and the client is the first that
// is not trusted itself: what stands further left anybody may have written. Strict and bounded; allocates nothing.
#include "sidecar/http/message.hpp"
#include "sidecar/http/networks.hpp"

namespace steelyard::http {

// What is told to the host about a request besides X-Forwarded-*, and whose word on it is passed on.
struct ForwardingOptions {
    Networks trusted;            // the proxies before this one; others' forwarding fields are dropped
    bool real_ip = true;         // X-Real-IP is written
    bool forwarded = false;      // Forwarded is written
    bool request_id = false;     // X-Request-Id is written where a trusted peer gave none
    bool trace_context = false;  // traceparent is written where there is none
};

// The hops of one request that are looked at: a list that is longer is believed this far, from the right.
constexpr size_t kMostHops = 32;

// The address of who asked, when a trusted peer sent this request: the rightmost hop of X-Forwarded-For that is not trusted, or of
// Forwarded when there is no X-Forwarded-For. When all are trusted, the leftmost one. What is not an address ("unknown", "_hidden",
// garbage) ends the search: the hop behind it is the answer. nullopt when there is no such hop at all: then it is the peer.
std::optional<IpBytes> client_behind(const HeaderList& headers, const Networks& trusted);

// One Forwarded field's hops from the left, by their "for"; for tests and for client_behind().
class ForwardedReader {
public:
    explicit ForwardedReader(std::string_view value) : rest_(value) {}

    struct Hop {
        std::optional<IpBytes> node;  // nullopt: no "for" in it, or one that is no address
    };
    // The next element; nullopt at the end, or where the list is malformed.
    std::optional<Hop> next();
    bool malformed() const { return malformed_; }

private:
    bool read_pair(Hop& hop, bool& has_for);
    std::optional<std::string_view> read_value();
    void skip_blanks();
    std::optional<Hop> fail();

    std::string_view rest_;
    bool malformed_ = false;
};

}  // namespace steelyard::http
