#pragma once
// How a line looks: one JSON object with every field, or a format of the user's own. Compiled once; rendering allocates nothing
// and writes at most kMaxLine bytes, newline included, whatever the record holds. Immutable: safe from any thread.
//
// A format is text with %{FIELD} in it, and %% for a percent sign. In text an absent value is "-", in JSON null.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "sidecar/access_log/escape.hpp"
#include "sidecar/access_log/record.hpp"

namespace steelyard::access_log {

// No line is longer, so that one written to a pipe is written whole or not at all (PIPE_BUF on Linux).
constexpr size_t kMaxLine = 4096;

enum class Field : uint8_t {
    time,
    client,
    client_port,
    real_ip,
    listener,
    upstream,
    endpoint,
    method,
    path,
    host,
    protocol,
    status,
    failure,
    request_bytes,
    response_bytes,
    duration_ms,
    answer_ms,
    tries,
    user_agent,
    referer,
    request_id,
    kCount,
};

struct FieldInfo {
    std::string_view name;
    size_t limit;  // the longest that its value becomes, escaped, without the quotes of JSON
};
const FieldInfo& info(Field field);

// "2026-01-31T09:15:00" of the second last rendered: most lines begin in the same second as the one before.
struct TimeCache {
    int64_t second = INT64_MIN;
    std::array<char, 19> text{};
};

class Format {
public:
    static Format json();
    // The error's `where` is empty: the caller knows which flag it was.
    static Result<Format> parse(std::string_view text);

    // `out` has room for kMaxLine. Returns the length, the newline included.
    size_t render(const Record& record, TimeCache& cache, char* out) const;
    bool uses(Field field) const { return (used_ >> static_cast<unsigned>(field) & 1U) != 0; }

private:
    struct Item {
        uint32_t begin;  // of the literal in front of the field
        uint32_t size;
        Field field;  // kCount: there is none
    };
    explicit Format(Style style) : style_(style) {}
    void add(std::string_view literal, Field field);

    Style style_;
    std::string literals_;
    std::vector<Item> items_;
    uint32_t used_ = 0;
    size_t longest_ = 1;
};

}  // namespace steelyard::access_log
