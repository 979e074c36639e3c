#pragma once
// HTTP-date (RFC 9110 section 5.6.7) in its three forms, to the letter. Pure.
#include <cstdint>
#include <optional>
#include <string_view>

namespace steelyard::cache {

// Seconds since 1970. "Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994". The day of the week is
// not checked against the date. A year of two digits that is more than 50 years after `now` is one of the last century.
std::optional<int64_t> parse_http_date(std::string_view text, int64_t now);

}  // namespace steelyard::cache
