#pragma once
// Machines on a network that loses, delays and is torn apart, in simulated time: the same for the same seed.
#include <functional>
#include <map>
#include <optional>
#include <random>
#include <vector>

#include "sidecar/vip/vrrp/machine.hpp"

namespace steelyard::vip {

class Simulation {
public:
    struct Node {
        std::optional<Machine> machine;  // none: crashed
        MachineOptions options;
        int component = 0;           // of the network: only nodes of the same one hear each other
        bool has_addresses = false;  // as the machine's actions say
        uint64_t generation = 0;     // of the machine: what was under way to one that crashed is lost
        uint64_t takeovers = 0;
        TimePoint announced{}, let_go{};  // when last
        bool frozen = false;              // does not run; what it hears waits
    };

    Simulation(uint64_t seed, const std::vector<MachineOptions>& nodes);

    double loss = 0;  // of each advert to each listener
    Duration least_delay = std::chrono::microseconds{50};
    Duration most_delay = std::chrono::milliseconds{2};

    TimePoint now() const { return now_; }
    const Node& node(size_t i) const { return nodes_[i]; }
    size_t size() const { return nodes_.size(); }

    void run_for(Duration time) {
        run_until(now_ + time, [] { return false; });
    }
    // Until `done` holds after an event; false when `time` has passed before.
    bool run_until(TimePoint end, const std::function<bool()>& done);

    void start(size_t i, bool as_master = false);  // a new machine, after a crash or a stop, too
    void crash(size_t i);                          // no word to anybody
    void stop(size_t i);
    void set_ready(size_t i, bool ready);
    void freeze(size_t i) { nodes_[i].frozen = true; }
    void thaw(size_t i, bool timer_first);
    void set_component(size_t i, int component) { nodes_[i].component = component; }

    std::vector<size_t> masters() const;
    std::vector<size_t> masters_in(int component) const;
    uint64_t takeovers() const;
    uint64_t random(uint64_t low, uint64_t high) { return std::uniform_int_distribution<uint64_t>(low, high)(random_); }

private:
    struct Delivery {
        size_t from, to;
        uint64_t generation;
        Advert advert;
    };
    void act(size_t i, const Actions& actions);
    void send(size_t i, uint8_t priority);
    void deliver(const Delivery& delivery);

    std::mt19937_64 random_;
    TimePoint now_ = TimePoint{} + std::chrono::hours{1};
    std::vector<Node> nodes_;
    std::multimap<TimePoint, Delivery> under_way_;
    std::vector<Delivery> waiting_;  // for a node that is frozen
};

}  // namespace steelyard::vip
