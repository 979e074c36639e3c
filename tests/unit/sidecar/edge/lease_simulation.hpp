#pragma once
// Edges, controllers and an API server in simulated time, for one virtual router: what edges claim is delayed and lost, controllers and the API
// server go away, clocks differ. The same for the same seed.
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sidecar/edge/lease_claims.hpp"
#include "sidecar/vip/lease/lease_machine.hpp"

namespace steelyard::edge {

class LeaseSimulation {
public:
    static constexpr uint8_t kRouter = 17;

    // An edge and its steelyard-vip.
    struct Node {
        std::string name;
        uint8_t priority = 0;
        Milliseconds offset{0};  // of its clock
        double rate = 1;         // likewise
        bool alive = true, wants = true, reaches_controllers = true, on_segment = true;
        std::unique_ptr<LeaseClaims> claims;
        std::unique_ptr<vip::LeaseMachine> machine;
        std::optional<int64_t> lingers_until;  // the addresses are there still
        int64_t lingered_since = 0;
        TimePoint told{};  // until when, as its file says
        size_t controller = 0;
        bool connected = false;
        uint64_t connection = 0;
        int64_t connect_at = 0;

        bool is_master() const { return alive && machine->state() == vip::State::master; }
        bool has_address() const { return alive && (is_master() || lingers_until); }
    };

    LeaseSimulation(uint64_t seed, size_t nodes, size_t controllers, Milliseconds duration);

    void run_for(
        int64_t ms, const std::function<void()>& check = [] {});
    void crash(size_t i);  // without a word
    void start(size_t i);
    void cut(size_t i, bool reaches);  // from all controllers
    void set_controller(size_t i, bool alive);

    bool api_works = true;
    int64_t most_delay = 20;  // of a message, and of the API server

    Node& node(size_t i) { return nodes_[i]; }
    size_t size() const { return nodes_.size(); }
    int64_t now() const { return now_; }
    std::vector<size_t> masters() const;
    size_t best() const;  // in order, of those that live, want and reach a controller
    uint64_t moves() const { return moves_; }
    int64_t random(int64_t low, int64_t high) { return std::uniform_int_distribution<int64_t>(low, high)(random_); }

private:
    // The object that the API server keeps, and what a controller saw of it.
    struct Lease {
        uint64_t version = 1;
        std::string holder, wanted_by;
        uint8_t priority = 0, wanted_priority = 0;
        int64_t wished_at = -1'000'000;
    };
    struct Controller {
        bool alive = true;
        uint64_t seen_version = 0;
        int64_t seen_at = 0;
    };
    void after(int64_t ms, std::function<void()> act) { events_.emplace(now_ + ms, std::move(act)); }
    TimePoint time_of(const Node& node) const;
    void step(Node& node);
    void connect(Node& node);
    void disconnect(Node& node);
    void send(size_t i, const push::Claim& claim);
    push::LeaseGrant decide(Controller& controller, const Node& node, const push::LeaseClaim& claim);
    void observe(Controller& controller);
    void tell(Node& node);
    void act(Node& node, const vip::Actions& actions);

    std::mt19937_64 random_;
    const Milliseconds duration_;
    int64_t now_ = 0;
    uint64_t moves_ = 0, connections_ = 0;
    Lease lease_;
    std::vector<Node> nodes_;
    std::vector<Controller> controllers_;
    std::multimap<int64_t, std::function<void()>> events_;
};

}  // namespace steelyard::edge
