#pragma once
// What the cache keeps of a request while its exchange lasts: the head itself is gone when the answer comes. Its memory is used again for
// the next one.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/cache/directives.hpp"
#include "sidecar/http/message.hpp"

namespace steelyard::cache {

class Request {
public:
    // `variant` is what the request is about besides its target: what a trusted peer says of scheme and host.
    void read(const http::RequestHead& head, std::string_view variant);
    void clear();

    // May be answered from the cache: GET or HEAD, without a body, a range or a precondition that only the endpoint can judge.
    bool readable() const { return readable_; }
    // An answer to it may be kept: the same, but GET alone.
    bool storable() const { return readable_ && is_get_ && !directives_.no_store; }
    // Whatever is kept of its target is in doubt once it has succeeded (RFC 9111 section 4.4).
    bool unsafe() const { return unsafe_; }
    bool authorized() const { return authorized_; }
    const RequestDirectives& directives() const { return directives_; }

    // Target and variant: what answers are kept under.
    const std::string& key() const { return key_; }
    // The key of another URI, absolute or a path, on the same host; "" for one of another host.
    std::string key_of(std::string_view uri) const;

    // All values of a field, as one list; "" when there is none. Valid until the next call.
    std::string_view value_of(std::string_view name) const;
    bool has(std::string_view name) const;

private:
    struct Place {
        uint32_t name_at, name_size, value_at, value_size;
    };
    std::string_view text(uint32_t at, uint32_t size) const { return std::string_view(fields_).substr(at, size); }

    RequestDirectives directives_;
    std::string key_;
    std::string authority_;
    std::string variant_;
    std::string fields_;  // names and values, one after the other
    std::vector<Place> places_;
    mutable std::string joined_;
    bool readable_ = false;
    bool is_get_ = false;
    bool unsafe_ = false;
    bool authorized_ = false;
};

}  // namespace steelyard::cache
