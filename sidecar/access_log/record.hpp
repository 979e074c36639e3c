#pragma once
// What is known of one request or connection when it is over: the fields of a line. Views into what the caller holds.
#include <chrono>
#include <cstdint>
#include <string_view>

namespace steelyard::access_log {

using Microseconds = std::chrono::microseconds;

// The failure of what the process's end cut off.
constexpr std::string_view kShutdown = "shutdown";

struct Record {
    std::chrono::system_clock::time_point time;  // when it began
    std::string_view client;                     // an IP literal
    uint16_t client_port = 0;
    std::string_view real_ip;  // who asked: the client, or whom a trusted one names
    std::string_view listener;
    std::string_view upstream;
    std::string_view endpoint;  // the last one tried
    std::string_view method;
    std::string_view path;  // as received, its query included
    std::string_view host;
    std::string_view protocol;
    uint16_t status = 0;       // 0: no answer went out
    std::string_view failure;  // empty: none
    uint64_t request_bytes = 0;
    uint64_t response_bytes = 0;
    Microseconds duration{0};
    Microseconds answer{-1};  // until the head of the endpoint's answer; negative: there was none
    uint8_t tries = 0;
    std::string_view user_agent;
    std::string_view referer;
    std::string_view request_id;

    // Logged whatever the sampling says.
    bool failed() const { return status >= 500 || !failure.empty(); }
};

}  // namespace steelyard::access_log
