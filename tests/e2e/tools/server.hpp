#pragma once
// A backend for tests: answers every request 200 with its name, in X-Backend and as the body, a thread a connection.
//
// What it does on SIGTERM is the point: `graceful` goes on for `drain` (Kubernetes tells proxies and the pod at the same time), then
// answers what it has with Connection: close and ends; `immediate` ends in the same instant, with every connection it has.
#include <chrono>
#include <string>

namespace steelyard::e2e {

struct ServerOptions {
    int port{8080};
    std::string name;
    bool immediate{false};
    std::chrono::milliseconds drain{3000};
    std::chrono::milliseconds delay{0};  // before each answer
};

// Returns the program's exit status, when it has been told to stop and has drained.
int serve(const ServerOptions& options);

}  // namespace steelyard::e2e
