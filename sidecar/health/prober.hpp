#pragma once
// Actively checks the endpoints of all upstreams: TCP connects or HTTP requests on each one's own jittered schedule, results fed
// to a HealthMachine each, transitions told. Bounded: at most max_in_flight connections are open at once; what is due then waits
// its turn in the order of being due, so too many targets mean slower probing, never a flood.
//
// Everything, callbacks included, runs on the io_context's one thread. Callbacks may call back into the prober.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "common/config/model.hpp"
#include "common/net/asio.hpp"
#include "sidecar/health/machine.hpp"

namespace steelyard::health {

struct Target {
    std::string id;  // unique within its upstream, "10.0.0.1:80"
    asio::ip::tcp::endpoint endpoint;
};

// Counters since the upstream was first set; in_flight is of now.
struct ProberStats {
    uint64_t ok = 0;
    uint64_t failed = 0;
    uint64_t inconclusive = 0;  // failed here, for want of sockets or ports: counts for and against nobody
    uint64_t in_flight = 0;     // probes without a verdict yet
    uint64_t went_up = 0, went_down = 0;

    friend bool operator==(const ProberStats&, const ProberStats&) = default;
};

class Prober {
public:
    struct Options {
        size_t max_in_flight = 100;  // 1 and more
        uint64_t seed = 0;           // of the jitter: another for each proxy
    };
    using OnTransition =
        std::function<void(const std::string& upstream, const std::string& id, HealthMachine::State state)>;

    Prober(asio::io_context& io, OnTransition on_transition, Options options);
    ~Prober();
    Prober(const Prober&) = delete;
    Prober& operator=(const Prober&) = delete;

    // From now on these are the upstream's targets. Those that stay keep their state and schedule; a probe of one that goes is
    // cut off and nothing is told of it. After a change of the check all keep their state until their next result, which decides.
    // Of targets with one id the first counts. `preface` is sent before anything else of each check.
    void set_targets(const std::string& upstream, std::vector<Target> targets, const config::HealthCheck& check,
                     const std::string& preface = {});
    void remove(const std::string& upstream);

    // unknown for what is not a target, too.
    HealthMachine::State state(const std::string& upstream, const std::string& id) const;
    std::map<std::string, ProberStats> stats() const;
    size_t open_connections() const;

    // Cuts off what is in flight; nothing is probed or told any more. Also done on destruction.
    void stop();

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::health
