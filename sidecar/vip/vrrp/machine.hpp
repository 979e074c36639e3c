#pragma once
// Decides who holds a virtual router's addresses: RFC 9568, section 6, for one router id, family and interface. Pure: fed with
// adverts, time and readiness, it answers with what to do; never does I/O, never reads a clock. The thread that feeds it owns it.
//
// - Nothing is held unless the program has started it, the proxy is ready and the link is up; losing either gives the addresses back
//   with an advert of priority 0, so that the next one takes over after its skew time alone.
// - A master that hears a lesser one, or one that steps down, says so at once, announces the addresses anew, and again with its next
//   advert: neighbours may have learned the other in between. A master that yields says a last word (an advert of its own
//   priority), so that who stays knows. Of equal priorities the higher address stays. This holds between two owners (255), too,
//   where RFC 9568 would leave both; otherwise the machine is the RFC's.
// - Time that goes backwards counts as standing still.
#include <cstdint>
#include <optional>

#include "common/clock.hpp"
#include "sidecar/vip/vrrp/packet.hpp"

namespace steelyard::vip {

enum class State : uint8_t { init, backup, master };
const char* to_string(State state);

struct MachineOptions {
    uint8_t router_id = 1;
    uint8_t priority = 100;  // 1 to 255; 255: the owner, master whenever it runs
    Milliseconds advert_interval{100};
    bool preempt = true;
    Milliseconds preempt_delay{0};  // how long a lesser master is let be, from its first advert on
    bool accept = true;             // take traffic to the addresses (the owner always does)
    Ip primary;                     // the source of our adverts, which breaks ties

    bool owner() const { return priority == kOwnerPriority; }
    bool accepts() const { return accept || owner(); }
    friend bool operator==(const MachineOptions&, const MachineOptions&) = default;
};

// What an advert has said of its sender.
enum class Heard : uint8_t {
    nothing,
    master,         // it is the one we follow from here on
    lesser,         // it is master, and will not be for long: we are, or take over from it
    stepping_down,  // it was the one we followed
    gone,           // it has stepped down, and somebody else is master already
};

// What the caller does next, in the order of the fields.
struct Actions {
    bool send_advert = false;
    uint8_t advert_priority = 0;  // of that advert; 0: stepping down
    bool add_addresses = false;   // and announce them
    bool remove_addresses = false;
    Duration linger{0};     // where nothing is said by an advert: how long they may stay until another host claims them
    bool announce = false;  // gratuitous ARP or neighbour advertisements for addresses that are there already
    const char* transition_reason = nullptr;  // when the state has changed, why: for the log

    bool nothing() const { return *this == Actions{}; }
    friend bool operator==(const Actions&, const Actions&) = default;
};

class Machine {
public:
    struct Stats {
        uint64_t transitions = 0;  // changes of the state
        uint64_t became_master = 0;
        uint64_t splits = 0;         // adverts of a lesser master heard as master, after the first interval as such
        uint64_t yields = 0;         // times a greater master took over from us
        uint64_t adverts_heard = 0;  // all that were given to on_advert()
        uint64_t handed_over = 0;    // adverts of priority 0 heard as backup
    };

    explicit Machine(MachineOptions options) : options_(options) {}

    // Begins: backup, or master as the owner, once ready and the link is up (both are false before they are set).
    Actions start(TimePoint now);
    // The same after a restart within the master-down interval: master at once if ready and linked, else start().
    Actions resume_as_master(TimePoint now);
    // An advert that decode() found nothing wrong with, for this router id and family, not our own.
    Actions on_advert(const Advert& advert, const Ip& from, TimePoint now);
    // Call at deadline() or later; earlier does nothing.
    Actions on_timer(TimePoint now);
    Actions set_ready(bool ready, TimePoint now);
    Actions set_link(bool up, TimePoint now);
    Actions set_priority(uint8_t priority, TimePoint now);
    // New options (the router id stays) without giving anything up.
    Actions reconfigure(const MachineOptions& options, TimePoint now);
    // Gives the addresses back. start() begins anew.
    Actions stop(TimePoint now);

    TimePoint deadline() const { return deadline_; }  // TimePoint::max(): none
    State state() const { return state_; }
    bool ready() const { return ready_; }
    bool link() const { return link_; }
    const MachineOptions& options() const { return options_; }
    const Stats& stats() const { return stats_; }
    Heard heard() const { return heard_; }  // by the latest on_advert()
    // Whose adverts we follow, as a backup that has heard any.
    const std::optional<Ip>& master_address() const { return master_address_; }
    // How long a backup waits without an advert, and what it adds by its priority.
    Duration down_interval() const;
    Duration skew() const;

private:
    TimePoint clamp(TimePoint now);
    void enter(State state, const char* reason, Actions& actions);
    Actions begin(bool as_master, const char* reason);
    void become_master(const char* reason, Actions& actions);
    void become_backup(const char* reason, Actions& actions);
    Actions leave(const char* reason);
    void advert_now(Actions& actions);
    void heard_as_backup(const Advert& advert, const Ip& from);
    Actions heard_as_master(const Advert& advert, const Ip& from);
    Actions answer_lesser();
    bool lets_be(const Advert& advert);
    bool lost_its_turn() const;
    void follow(const Advert& advert, const Ip& from);

    MachineOptions options_;
    State state_ = State::init;
    bool started_ = false, ready_ = false, link_ = false;
    bool announce_again_ = false;  // with the next regular advert
    TimePoint now_{};              // the latest that was given
    TimePoint deadline_ = TimePoint::max();
    TimePoint master_since_{};
    TimePoint last_answer_ = TimePoint::min();  // to a lesser master
    std::optional<TimePoint> preempt_at_;       // a lesser master is let be until then
    Heard heard_ = Heard::nothing;
    Milliseconds active_interval_{0};  // the master's, as it says; ours before any was heard
    std::optional<Ip> master_address_;
    Stats stats_;
};

}  // namespace steelyard::vip
