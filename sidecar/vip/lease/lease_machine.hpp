#pragma once
// Decides whether a virtual router's addresses are held here where a Lease says which node holds them: the proxy has the Lease renewed and
// tells until when it is this node's. Pure: fed with time, readiness and that moment, it answers with what to do. The thread that feeds it owns it.
//
// - Master if and only if the program has started it, the proxy is ready, the link is up and the Lease has not ended. The end of a Lease
//   that nobody has prolonged gives the addresses up at once, whatever has become of the proxy: another node may have it from then on.
// - A Lease that was given away, or that is of no use any more (not ready, stopped), is a hand-over: the addresses stay until another host is
//   heard that claims them, kHandOver at the longest. Traffic has somewhere to go meanwhile.
// - Time that goes backwards counts as standing still.
#include <cstdint>
#include <optional>

#include "common/clock.hpp"
#include "sidecar/vip/vrrp/machine.hpp"

namespace steelyard::vip {

inline constexpr Milliseconds kHandOver{1000};
inline constexpr Milliseconds kLongestLease{60'000};

// When a Lease ends that is ours until `until_ms` of the monotonic clock. TimePoint{}: it is not ours. A moment that is more than the longest
// Lease away is one of another boot.
TimePoint lease_end(uint64_t until_ms, TimePoint now);

class LeaseMachine {
public:
    explicit LeaseMachine(MachineOptions options) : options_(options) {}

    Actions start(TimePoint now);
    // The same after a restart: says so.
    Actions resume_as_master(TimePoint now);
    Actions set_ready(bool ready, TimePoint now);
    Actions set_link(bool up, TimePoint now);
    // The Lease is this node's until then; TimePoint{}: it is not.
    Actions set_lease(TimePoint until, TimePoint now);
    Actions reconfigure(const MachineOptions& options, TimePoint now);
    // Call at deadline() or later; earlier does nothing.
    Actions on_timer(TimePoint now);
    Actions stop(TimePoint now);
    // Another host has claimed one of the addresses.
    void on_claim(TimePoint now);
    // Whether such a claim is only the hand-over that has brought the addresses here.
    bool has_just_begun(TimePoint now) const { return state_ == State::master && now < master_since_ + kHandOver; }

    TimePoint deadline() const;  // TimePoint::max(): none
    State state() const { return state_; }
    bool ready() const { return ready_; }
    bool link() const { return link_; }
    TimePoint lease() const { return until_; }
    const MachineOptions& options() const { return options_; }
    const Machine::Stats& stats() const { return stats_; }

private:
    void clamp(TimePoint now);
    // `reason`: of becoming master or backup. `linger`: how long the addresses may stay where they are given up.
    Actions settle(const char* reason, Duration linger);
    void leave(Duration linger, Actions& actions) const;
    Duration rest_of_lease() const;

    MachineOptions options_;
    State state_ = State::init;
    bool started_ = false, ready_ = false, link_ = false;
    TimePoint now_{};
    TimePoint until_{};
    TimePoint master_since_{};
    std::optional<TimePoint> claimed_;  // when another host was heard last
    Machine::Stats stats_;
};

}  // namespace steelyard::vip
