#pragma once
// A thread that writes objects to the API server, one job an object, only while we lead. What waits is coalesced by object, the newest
// job wins, so it is bounded by the number of objects, and by a limit beyond which it is dropped and counted. A job that fails is
// tried again, at growing intervals of its own, until it succeeds, the object is gone, the API server will not have it, or another
// job takes its place; while the API server itself does not answer all of them wait.
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <stop_token>
#include <string>

#include "common/clock.hpp"
#include "controller/kube/transport.hpp"

namespace steelyard::status {

struct WriterOptions {
    size_t max_queue = 10'000;
    Milliseconds pace{5};  // between two writes
    Milliseconds retry_base{200};
    Milliseconds retry_limit{30'000};
};

struct WriterStats {
    uint64_t written = 0;
    uint64_t failed = 0;   // tries that did not succeed
    uint64_t refused = 0;  // given up: the API server will not have it
    uint64_t dropped = 0;  // the queue was full
    size_t waiting = 0;
};

class Worker {
public:
    // Does it, on the worker's thread; nullopt: done.
    using Job = std::function<std::optional<kube::ApiError>(const std::stop_token& stop)>;

    // `what` and `consequence` are for the log: "Service shop/web: its status cannot be written: ...; it has no address meanwhile".
    // `is_leader` is asked on any thread.
    Worker(std::function<bool()> is_leader, WriterOptions options, std::string what, std::string consequence);
    ~Worker();  // stops
    Worker(const Worker&) = delete;
    Worker& operator=(const Worker&) = delete;

    void start();
    void request_stop();
    void stop();
    // From any thread; never block for long. `id` names the object, as the log does. Dropped unless we lead.
    void put(const std::string& id, Job job);
    void withdraw(const std::string& id);  // one that is being done is done to its end
    WriterStats stats() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::status
