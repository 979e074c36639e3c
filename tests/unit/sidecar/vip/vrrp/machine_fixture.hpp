#pragma once
// What the machine's tests share: moments, adverts, and a machine that runs.
#include <gtest/gtest.h>

#include "sidecar/vip/vrrp/machine.hpp"

namespace steelyard::vip {

using std::chrono::microseconds;

inline Ip ip(const char* text) { return Ip::parse(text).value(); }
inline const Ip kOurs = ip("10.0.0.5");
inline const Ip kLower = ip("10.0.0.4");
inline const Ip kHigher = ip("10.0.0.10");  // by octets, not by text

// A moment after an arbitrary beginning.
inline TimePoint at(int64_t ms) { return TimePoint{} + std::chrono::hours{1} + Milliseconds{ms}; }

inline Advert advert_of(uint8_t priority, int64_t interval_ms = 100) {
    return {17, priority, Milliseconds{interval_ms}, {ip("192.0.2.7")}};
}

inline MachineOptions options_of(uint8_t priority) {
    MachineOptions options;
    options.router_id = 17;
    options.priority = priority;
    options.primary = kOurs;
    return options;
}

// A machine that was started at 0 as backup (or master, as owner).
inline Machine running(const MachineOptions& options) {
    Machine machine(options);
    machine.set_ready(true, at(0));
    machine.set_link(true, at(0));
    machine.start(at(0));
    return machine;
}

// A master since 400 ms, whose next advert is due at 500.
inline Machine master_of(const MachineOptions& options) {
    auto machine = running(options);
    machine.on_timer(at(400));
    EXPECT_EQ(machine.state(), State::master);
    return machine;
}

inline const Actions kNothing{};

// The actions without their reason.
inline Actions plain(Actions actions) {
    actions.transition_reason = nullptr;
    return actions;
}
inline Actions taking_over(uint8_t priority) {
    return {.send_advert = true, .advert_priority = priority, .add_addresses = true};
}
inline Actions advertising(uint8_t priority) { return {.send_advert = true, .advert_priority = priority}; }
inline Actions stepping_down() { return {.send_advert = true, .advert_priority = 0, .remove_addresses = true}; }

}  // namespace steelyard::vip
