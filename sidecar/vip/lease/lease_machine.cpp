#include "sidecar/vip/lease/lease_machine.hpp"

#include <algorithm>

namespace steelyard::vip {

TimePoint lease_end(uint64_t until_ms, TimePoint now) {
    const auto now_ms = std::chrono::duration_cast<Milliseconds>(now.time_since_epoch()).count();
    const auto latest = static_cast<uint64_t>(std::max<int64_t>(now_ms, 0) + kLongestLease.count());
    if (until_ms == 0 || until_ms > latest) return {};
    return TimePoint{} + Milliseconds{static_cast<int64_t>(until_ms)};
}

void LeaseMachine::clamp(TimePoint now) { now_ = std::max(now_, now); }

Duration LeaseMachine::rest_of_lease() const { return std::max(until_ - now_, Duration{0}); }

Actions LeaseMachine::settle(const char* reason, Duration linger) {
    const bool runs = started_ && ready_ && link_;
    const State next = !runs ? State::init : now_ < until_ ? State::master : State::backup;
    Actions actions;
    if (next == state_) return actions;
    if (state_ == State::master) leave(linger, actions);
    state_ = next;
    ++stats_.transitions;
    actions.transition_reason = reason;
    if (next == State::master) {
        ++stats_.became_master;
        master_since_ = now_;
        actions.add_addresses = true;
    }
    return actions;
}

void LeaseMachine::leave(Duration linger, Actions& actions) const {
    actions.remove_addresses = true;
    // Who has it next was heard before we learned of it.
    const bool taken = claimed_ && now_ < *claimed_ + kHandOver;
    actions.linger = link_ && !taken ? linger : Duration{0};
}

Actions LeaseMachine::start(TimePoint now) {
    clamp(now);
    started_ = true;
    return settle(now_ < until_ ? "started; the lease is this node's" : "started", Duration{0});
}

Actions LeaseMachine::resume_as_master(TimePoint now) {
    clamp(now);
    started_ = true;
    return settle("went on as master after a restart", Duration{0});
}

Actions LeaseMachine::set_ready(bool ready, TimePoint now) {
    clamp(now);
    ready_ = ready;
    return settle(ready ? "the proxy is ready" : "the proxy is not ready",
                  std::min<Duration>(kHandOver, rest_of_lease()));
}

Actions LeaseMachine::set_link(bool up, TimePoint now) {
    clamp(now);
    link_ = up;
    return settle(up ? "the link is up" : "the link is down", Duration{0});
}

Actions LeaseMachine::set_lease(TimePoint until, TimePoint now) {
    clamp(now);
    const bool ended = until_ <= now_;
    until_ = until;
    if (until > now_) {
        if (state_ != State::master) claimed_.reset();
        return settle("the lease is this node's", Duration{0});
    }
    // One that has ended by itself meanwhile is not handed over: nobody knows since when another has it.
    return settle(ended ? "the lease has ended" : "the lease was given away", ended ? Duration{0} : kHandOver);
}

Actions LeaseMachine::reconfigure(const MachineOptions& options, TimePoint now) {
    clamp(now);
    options_ = options;
    return {};
}

Actions LeaseMachine::on_timer(TimePoint now) {
    clamp(now);
    return settle("the lease has ended", Duration{0});
}

Actions LeaseMachine::stop(TimePoint now) {
    clamp(now);
    started_ = false;
    return settle("stopped", std::min<Duration>(kHandOver, rest_of_lease()));
}

void LeaseMachine::on_claim(TimePoint now) {
    clamp(now);
    if (state_ == State::master && !has_just_begun(now_)) claimed_ = now_;
}

TimePoint LeaseMachine::deadline() const { return state_ == State::master ? until_ : TimePoint::max(); }

}  // namespace steelyard::vip
