#pragma once
// What an answer's head says of its content when the proxy does more than pass it on: it is compressed on its way, or comes
// from the cache. Views live as long as the call that is given them.
#include <cstdint>
#include <optional>
#include <string_view>

#include "sidecar/http/message.hpp"

namespace steelyard::http {

class Writer;

struct ContentChange {
    // Content-Encoding; the body is then chunked, and what belongs to the bytes as they were (Content-Length,
    // Accept-Ranges, Trailer) goes.
    std::string_view coding = {};
    bool vary = false;  // Vary has Accept-Encoding
    bool weak_etag =
        false;  // a strong ETag becomes a weak one: the same thing, in other bytes (RFC 9110 section 8.8.1)
    std::optional<uint64_t> age = {};    // seconds, in the place of any Age
    std::string_view cache_status = {};  // behind what others say in Cache-Status (RFC 9211)

    // Whether a field does not go on as it came.
    bool takes(const Header& field) const;
    // What goes on in the place of such fields, and what is added.
    void write(const HeaderList& headers, Writer& writer) const;
};

}  // namespace steelyard::http
