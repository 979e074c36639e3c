#pragma once
// Writes the status of policies to the API server from a thread of its own: only what is not there already, only while we lead.
// What waits is coalesced by policy, the newest state wins, so it is bounded by the number of policies, and by a limit beyond which
// it is dropped and counted. A write that fails is tried again, at growing intervals up to half a minute, until it succeeds, the
// policy is gone, or another state is wanted.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "controller/kube/objects.hpp"

namespace steelyard::kube {
class Client;
}

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

class Writer {
public:
    // `client` outlives the writer. `is_leader` is asked on any thread.
    Writer(kube::Client& client, std::function<bool()> is_leader, WriterOptions options = {});
    ~Writer();  // stops
    Writer(const Writer&) = delete;
    Writer& operator=(const Writer&) = delete;

    void start();
    void request_stop();
    void stop();
    // The policy as it was last seen, and the conditions that it is to have. From any thread; never blocks for long.
    void offer(const kube::LoadBalancingPolicy& seen, const std::vector<kube::Condition>& wanted);
    WriterStats stats() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::status
