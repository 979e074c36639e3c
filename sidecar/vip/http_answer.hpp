#pragma once
// The little that is read of an HTTP/1.x answer to a readiness probe: its status, and where it ends, so that the connection may be kept.
// Pure; any bytes may be given.
#include <cstddef>
#include <optional>
#include <string_view>

namespace steelyard::vip {

inline constexpr size_t kMaxAnswerHead = 8192;
inline constexpr size_t kMaxAnswerBody = 65536;

struct HttpAnswer {
    unsigned status = 0;
    size_t size = 0;     // of head and body
    bool keeps = false;  // the connection may be asked again
};

enum class Reading { more, done, broken };

// `text`: what has come so far. done: `answer` is filled; the body has come as well unless !answer.keeps.
Reading read_answer(std::string_view text, HttpAnswer& answer);

}  // namespace steelyard::vip
