#include "sidecar/vip/vrrp/machine.hpp"

#include <algorithm>
#include <utility>

namespace steelyard::vip {
namespace {

// Answers to lesser masters and to those that step down are this far apart at least: a flood of such adverts is not answered one by one.
constexpr Milliseconds kAnswerGap{5};
constexpr const char* kOverslept = "has not run for as long as others wait";

Duration skew_of(uint8_t priority, Milliseconds interval) { return Duration{interval} * (256 - priority) / 256; }

}  // namespace

const char* to_string(State state) {
    switch (state) {
        case State::init:
            return "init";
        case State::backup:
            return "backup";
        case State::master:
            return "master";
    }
    return "init";
}

Duration Machine::skew() const { return skew_of(options_.priority, active_interval_); }
Duration Machine::down_interval() const { return 3 * Duration{active_interval_} + skew(); }

TimePoint Machine::clamp(TimePoint now) { return now_ = std::max(now_, now); }

void Machine::enter(State state, const char* reason, Actions& actions) {
    state_ = state;
    actions.transition_reason = reason;
    announce_again_ = false;
    preempt_at_.reset();
    ++stats_.transitions;
}

void Machine::advert_now(Actions& actions) {
    actions.send_advert = true;
    actions.advert_priority = options_.priority;
    deadline_ = now_ + options_.advert_interval;
}

void Machine::become_master(const char* reason, Actions& actions) {
    enter(State::master, reason, actions);
    ++stats_.became_master;
    master_since_ = now_;
    last_answer_ = TimePoint::min();
    master_address_.reset();
    active_interval_ = options_.advert_interval;
    actions.add_addresses = true;
    advert_now(actions);
}

void Machine::become_backup(const char* reason, Actions& actions) {
    actions.remove_addresses = state_ == State::master;
    enter(State::backup, reason, actions);
    active_interval_ = options_.advert_interval;
    master_address_.reset();
    deadline_ = now_ + down_interval();
}

Actions Machine::begin(bool as_master, const char* reason) {
    Actions actions;
    if (!started_ || !ready_ || !link_ || state_ != State::init) return actions;
    if (as_master || options_.owner()) {
        become_master(reason, actions);
    } else {
        become_backup(reason, actions);
    }
    return actions;
}

Actions Machine::leave(const char* reason) {
    Actions actions;
    if (state_ == State::init) return actions;
    if (state_ == State::master) {
        actions.send_advert = true;
        actions.advert_priority = 0;
        actions.remove_addresses = true;
    }
    enter(State::init, reason, actions);
    master_address_.reset();
    deadline_ = TimePoint::max();
    return actions;
}

Actions Machine::start(TimePoint now) {
    clamp(now);
    started_ = true;
    return begin(false, options_.owner() ? "started as the addresses' owner" : "started");
}

Actions Machine::resume_as_master(TimePoint now) {
    clamp(now);
    started_ = true;
    return begin(true, "went on as master after a restart");
}

Actions Machine::stop(TimePoint now) {
    clamp(now);
    started_ = false;
    return leave("stopped");
}

Actions Machine::set_ready(bool ready, TimePoint now) {
    clamp(now);
    ready_ = ready;
    return ready ? begin(false, "the proxy is ready") : leave("the proxy is not ready");
}

Actions Machine::set_link(bool up, TimePoint now) {
    clamp(now);
    link_ = up;
    return up ? begin(false, "the link is up") : leave("the link is down");
}

Actions Machine::set_priority(uint8_t priority, TimePoint now) {
    auto options = options_;
    options.priority = priority;
    return reconfigure(options, now);
}

Actions Machine::reconfigure(const MachineOptions& options, TimePoint now) {
    clamp(now);
    Actions actions;
    const MachineOptions before = std::exchange(options_, options);
    options_.router_id = before.router_id;
    if (options_.priority == 0) options_.priority = before.priority;  // 0 is how a master steps down
    if (!options_.preempt || options_.preempt_delay == Milliseconds{0}) preempt_at_.reset();
    if (state_ == State::master) {
        active_interval_ = options_.advert_interval;
        // The others learn a new priority or interval by an advert; a new source needs one, too.
        if (options_.priority != before.priority || options_.advert_interval != before.advert_interval ||
            options_.primary != before.primary) {
            advert_now(actions);
        }
    } else if (state_ == State::backup && options_.owner() && !before.owner()) {
        become_master("became the addresses' owner", actions);
    } else if (state_ == State::backup) {
        const Duration skew_before = skew_of(before.priority, active_interval_);
        deadline_ = std::max(now_, deadline_ - skew_before + skew());
        if (!master_address_ && options_.advert_interval != before.advert_interval) {
            active_interval_ = options_.advert_interval;
            deadline_ = now_ + down_interval();
        }
    }
    return actions;
}

Actions Machine::on_timer(TimePoint now) {
    clamp(now);
    Actions actions;
    if (now_ < deadline_) return actions;
    if (lost_its_turn()) {
        become_backup(kOverslept, actions);
    } else if (state_ == State::backup) {
        become_master(master_address_ ? "the master has fallen silent" : "no master was heard", actions);
    } else if (state_ == State::master) {
        actions.announce = std::exchange(announce_again_, false);
        const TimePoint due = deadline_;
        advert_now(actions);
        // On the beat, unless it is a whole interval late.
        if (now_ - due < options_.advert_interval) deadline_ = due + options_.advert_interval;
    }
    return actions;
}

Actions Machine::on_advert(const Advert& advert, const Ip& from, TimePoint now) {
    clamp(now);
    heard_ = Heard::nothing;
    if (state_ == State::init) return {};
    ++stats_.adverts_heard;
    Actions actions;
    if (lost_its_turn()) become_backup(kOverslept, actions);
    if (state_ == State::master) return heard_as_master(advert, from);
    heard_as_backup(advert, from);
    return actions;
}

// Without preemption: others have taken over from a master that has not run for so long, and are to be let be.
bool Machine::lost_its_turn() const {
    return state_ == State::master && !options_.preempt && !options_.owner() && now_ >= deadline_ + down_interval();
}

void Machine::follow(const Advert& advert, const Ip& from) {
    active_interval_ = advert.interval;
    master_address_ = from;
    deadline_ = now_ + down_interval();
}

// Whether a lesser master stays in force for now.
bool Machine::lets_be(const Advert& advert) {
    if (advert.priority >= options_.priority) {
        preempt_at_.reset();
        return true;
    }
    if (options_.owner()) return false;
    if (!options_.preempt) return true;
    if (options_.preempt_delay == Milliseconds{0}) return false;
    if (!preempt_at_) preempt_at_ = now_ + options_.preempt_delay;
    return now_ < *preempt_at_;
}

void Machine::heard_as_backup(const Advert& advert, const Ip& from) {
    if (advert.priority == 0) {
        heard_ = master_address_ && *master_address_ != from ? Heard::gone : Heard::stepping_down;
        if (heard_ == Heard::gone) return;  // its successor is master, and was heard since
        ++stats_.handed_over;
        // Never later than it would have been: repeating it does not put the take-over off.
        deadline_ = std::min(deadline_, now_ + skew());
    } else if (lets_be(advert)) {
        heard_ = Heard::master;
        follow(advert, from);
    } else {
        heard_ = Heard::lesser;
    }
}

// Neighbours may have learned the other: now, and until it has given the addresses up.
Actions Machine::answer_lesser() {
    Actions actions;
    announce_again_ = true;
    if (last_answer_ != TimePoint::min() && now_ - last_answer_ < kAnswerGap) return actions;
    last_answer_ = now_;
    advert_now(actions);
    actions.announce = true;
    return actions;
}

Actions Machine::heard_as_master(const Advert& advert, const Ip& from) {
    heard_ = advert.priority == 0 ? Heard::gone : Heard::lesser;
    if (advert.priority == 0) return answer_lesser();
    const bool greater =
        advert.priority > options_.priority || (advert.priority == options_.priority && from > options_.primary);
    if (greater) {
        Actions actions;
        ++stats_.yields;
        become_backup("a master of higher priority or address was heard", actions);
        heard_ = Heard::master;
        follow(advert, from);
        // The last word: who stays learns by it that there were two, and announces the addresses once we have let go.
        actions.send_advert = true;
        actions.advert_priority = options_.priority;
        return actions;
    }
    if (now_ - master_since_ >= Duration{options_.advert_interval}) ++stats_.splits;
    return answer_lesser();
}

}  // namespace steelyard::vip
