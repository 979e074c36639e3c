#pragma once
// Cache-Control of requests and answers (RFC 9111 section 5.2). What is not known is passed over; what is known and malformed is
// taken for what keeps least.
#include <cstdint>
#include <optional>
#include <string_view>

#include "sidecar/http/message.hpp"

namespace steelyard::cache {

struct RequestDirectives {
    bool no_store = false;
    bool no_cache = false;  // also Pragma: no-cache where there is no Cache-Control (section 5.4)
    bool only_if_cached = false;
    std::optional<uint32_t> max_age;
    std::optional<uint32_t> min_fresh;
};

struct ResponseDirectives {
    bool present = false;
    bool no_store = false;
    bool no_cache = false;    // also with field names: what is said of some holds for all
    bool is_private = false;  // the same
    bool is_public = false;
    bool must_revalidate = false;  // or proxy-revalidate
    bool must_understand = false;
    std::optional<uint32_t> max_age;
    std::optional<uint32_t> s_maxage;
    std::optional<uint32_t> stale_if_error;  // RFC 5861
};

RequestDirectives read_request_directives(const http::HeaderList& headers);
ResponseDirectives read_response_directives(const http::HeaderList& headers);

// delta-seconds (section 1.2.2): digits; what is beyond 2^31 is that. nullopt: something else.
std::optional<uint32_t> parse_delta(std::string_view text);

}  // namespace steelyard::cache
