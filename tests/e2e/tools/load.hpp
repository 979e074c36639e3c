#pragma once
// A load at a constant rate, with exact counts: every request that was begun is counted once, as answered 200 or as a failure with
// its reason. The schedule does not wait for slow answers (request n begins at n/rate from the start, or as soon as a connection is
// free), so a stall shows in the latencies and is caught up with, not forgiven.
#include <atomic>
#include <chrono>
#include <string>

#include "tests/e2e/tools/client.hpp"

namespace steelyard::e2e {

struct LoadOptions {
    std::string url;
    double rate{100};                           // requests a second
    int connections{8};                         // as many threads
    double seconds{0};                          // 0: until told to stop
    std::chrono::milliseconds timeout{10'000};  // for one connect, send or receive
    int requests_per_connection{200};           // then a connection is closed and opened anew
};

// Runs until the time is over or `stop`. The report is one JSON object: requests, failures, reasons {word: count}, first_failures
// (the first 20, with Unix time), backends {name: count of 200s}, seconds, p50_ms, p99_ms, max_ms. Nothing when the URL is bad or
// its name did not resolve within 30 s.
std::optional<std::string> run_load(const LoadOptions& options, const std::atomic<bool>& stop);

// Asks over one connection, again `pause` after each answer, and writes a line to `report` whenever the answering backend changes:
//     NAME CLOCK_MONOTONIC-NANOSECONDS-OF-THE-ANSWER REQUESTS FAILURES
// and at the end a line of the same shape with the name "end".
bool run_watch(const std::string& url, const std::string& report, std::chrono::microseconds pause,
               const std::atomic<bool>& stop);

}  // namespace steelyard::e2e
