#pragma once
// Makes bytes from outside harmless within a line of the access log: what comes out is printable ASCII without quotes, so
// that nobody can end a field or a line, or speak to a terminal. Allocates nothing.
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace steelyard::access_log {

// json: `\"`, `\\`, and \u00HH for control characters and every byte above 0x7e. text: \xHH for all of these.
enum class Style : uint8_t { json, text };

// What stands at the end of a value that was cut.
constexpr std::string_view kCutMark = "...";

// Writes `text` escaped, at most `limit` bytes (>= 3); a longer one is cut between two characters and ends in the mark.
// Returns the end of what was written.
char* append_escaped(char* out, std::string_view text, size_t limit, Style style);

}  // namespace steelyard::access_log
