#include "sidecar/health/http_check.hpp"

#include <algorithm>

namespace steelyard::health {

namespace {

// x is any digit: the shape of a status line up to its code.
constexpr std::string_view kShape = "HTTP/1.x xxx";
constexpr size_t kCodeAt = 9;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

}  // namespace

std::string http_check_request(const config::HealthCheck& check, std::string_view authority) {
    std::string request = "GET " + check.path + " HTTP/1.1\r\nHost: ";
    request += check.host.empty() ? authority : std::string_view(check.host);
    request += "\r\nUser-Agent: steelyard-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n";
    return request;
}

StatusLine read_status_line(std::string_view bytes) {
    constexpr StatusLine kGarbage{.outcome = StatusLine::Outcome::garbage};
    const size_t known = std::min(bytes.size(), kShape.size());
    for (size_t i = 0; i < known; ++i) {
        if (kShape[i] == 'x' ? !is_digit(bytes[i]) : bytes[i] != kShape[i]) return kGarbage;
    }
    if (bytes.size() > kCodeAt && bytes[kCodeAt] == '0') return kGarbage;
    if (bytes.size() > kShape.size()) {
        const char after = bytes[kShape.size()];
        if (after != ' ' && after != '\r' && after != '\n') return kGarbage;
    }
    const size_t end = bytes.substr(0, kMaxStatusLine).find('\n');
    if (end == std::string_view::npos) return bytes.size() >= kMaxStatusLine ? kGarbage : StatusLine{};
    int status = 0;
    for (const char digit : bytes.substr(kCodeAt, 3)) status = status * 10 + (digit - '0');
    return {.outcome = StatusLine::Outcome::status, .status = static_cast<uint16_t>(status)};
}

bool is_expected(const std::vector<config::StatusRange>& expected, uint16_t status) {
    return std::any_of(expected.begin(), expected.end(), [status](const config::StatusRange& range) {
        return range.first <= status && status <= range.last;
    });
}

std::string describe(const std::vector<config::StatusRange>& expected) {
    std::string text;
    for (const config::StatusRange& range : expected) {
        if (!text.empty()) text += ", ";
        text += std::to_string(range.first);
        if (range.last != range.first) text += "-" + std::to_string(range.last);
    }
    return text;
}

}  // namespace steelyard::health
