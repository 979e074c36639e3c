#pragma once
// What an HTTP health check says and how it reads the answer. Pure. RFC 9112, sections 3 and 4: only the status line counts.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/model.hpp"

namespace steelyard::health {

constexpr size_t kMaxStatusLine = 1024;  // bytes, its end included

// The request as bytes. `authority` is the Host when the check has none: "10.0.0.1:80", "[fd00::1]:80".
std::string http_check_request(const config::HealthCheck& check, std::string_view authority);

struct StatusLine {
    enum class Outcome : uint8_t { incomplete, status, garbage };
    Outcome outcome = Outcome::incomplete;
    uint16_t status = 0;  // 100 .. 999 when outcome is status
};

// From the first bytes of an answer. Says garbage as soon as it can be nothing else, so a server that speaks another protocol and
// waits is not waited for. A line may end with a bare LF. Never incomplete from kMaxStatusLine bytes on.
StatusLine read_status_line(std::string_view bytes);

bool is_expected(const std::vector<config::StatusRange>& expected, uint16_t status);

// "200-399, 404", for messages.
std::string describe(const std::vector<config::StatusRange>& expected);

}  // namespace steelyard::health
