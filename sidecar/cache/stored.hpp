#pragma once
// An answer as it is kept: its fields, its whole body, what it was an answer to, and how long it is fresh (RFC 9111 section 4.2). Immutable
// and shared: an answer that is being sent from it outlives its place in the store. Times are seconds since 1970.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "sidecar/cache/directives.hpp"
#include "sidecar/cache/request.hpp"
#include "sidecar/http/message.hpp"

namespace steelyard::cache {

class Stored {
public:
    // Whether an answer with this head to this request may be kept at all (section 3), and is worth it: fresh for a while, or with something to
    // validate it by. No heuristics: an answer that says nothing of its freshness is not kept. Not one with Set-Cookie, nor one whose
    // body ends with the connection, as nobody knows whether it is whole.
    static bool may_keep(const Request& request, const http::ResponseHead& head, int64_t now);

    // `asked`, `answered`: when the request went out and the head came.
    struct Times {
        int64_t asked = 0;
        int64_t answered = 0;
    };
    // `fields`: of the head, those that go on to the client. The body may come later, in set_body(): until then nobody else has it.
    Stored(const Request& request, const http::ResponseHead& head, const std::vector<http::Header>& fields, Times times,
           std::shared_ptr<const std::string> body);
    // `old`, said anew by a 304 (section 3.2): the host was asked about this one, so it speaks of this one. The ETag stays.
    Stored(const Stored& old, const std::vector<http::Header>& fields, Times times);
    void set_body(std::shared_ptr<const std::string> body);
    Stored(const Stored&) = delete;
    Stored& operator=(const Stored&) = delete;

    // Whether it answers a request that differs from its own in no field that Vary names (section 4.1).
    bool matches(const Request& request) const;
    bool same_variant(const Stored& other) const { return vary_ == other.vary_; }

    int64_t age(int64_t now) const;
    int64_t lifetime() const { return lifetime_; }
    // Fresh, and as fresh as the request wants it. Else it must be validated.
    bool satisfies(const RequestDirectives& wanted, int64_t now) const;
    // May stand in for an answer that could not be had (RFC 5861 section 4).
    bool usable_on_error(int64_t now) const;

    std::string_view etag() const { return value_of("etag"); }
    std::string_view last_modified() const { return value_of("last-modified"); }
    // Whether the client has it already, by its If-None-Match or If-Modified-Since.
    bool not_modified_for(const Request& request) const;

    uint16_t status() const { return status_; }
    const std::string& body() const { return *body_; }
    // The views are those of this object.
    void fill(http::ResponseHead& head) const;
    // The same for 304: the fields that RFC 9110 section 15.4.5 names.
    void fill_not_modified(http::ResponseHead& head) const;
    size_t bytes() const { return bytes_; }

private:
    struct Place {
        uint32_t name_at, name_size, value_at, value_size;
        http::HeaderId id;
    };
    void append(std::string_view name, std::string_view value, http::HeaderId id);
    void settle(Times times);
    void weigh();
    http::Header field(const Place& place) const;
    std::string_view value_of(std::string_view name) const;

    uint16_t status_ = 200;
    std::string text_;  // the reason, then names and values
    uint32_t reason_size_ = 0;
    std::vector<Place> places_;
    std::vector<std::pair<std::string, std::string>> vary_;  // names, small, and the values of the request it answers
    std::shared_ptr<const std::string> body_;
    int64_t lifetime_ = 0;
    int64_t initial_age_ = 0;
    int64_t answered_ = 0;
    std::optional<uint32_t> stale_if_error_;
    bool no_cache_ = false;
    size_t bytes_ = 0;
};

// Freshness lifetime of an answer as its fields say it; nullopt: they do not.
std::optional<int64_t> lifetime_of(const ResponseDirectives& directives, std::string_view expires,
                                   std::string_view date, int64_t answered);

}  // namespace steelyard::cache
