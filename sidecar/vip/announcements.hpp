#pragma once
// When held addresses are announced: five times within 40 ms, for a neighbour that misses one; after one and after five seconds, for a
// switch that has just learned of its link; then once a minute, for what has been cleared. Pure.
#include <array>
#include <cstddef>
#include <optional>

#include "common/clock.hpp"

namespace steelyard::vip {

class Announcements {
public:
    static constexpr std::array<Milliseconds, 7> kAfter{Milliseconds{0},   Milliseconds{10}, Milliseconds{20},
                                                        Milliseconds{30},  Milliseconds{40}, Milliseconds{1000},
                                                        Milliseconds{5000}};
    static constexpr Milliseconds kRefresh{60'000};
    static constexpr Milliseconds kGap{100};
    static constexpr size_t kBurst = 5;

    void begin(TimePoint now) {
        begun_ = now;
        done_ = 0;
    }
    void end() { begun_.reset(); }
    // A burst is not cut short by another: who makes us announce may be an attacker.
    bool may_begin_again(TimePoint now) const { return !begun_ || now >= *begun_ + kGap; }

    // nullopt: nothing is announced.
    std::optional<TimePoint> next() const {
        if (!begun_) return std::nullopt;
        if (done_ < kAfter.size()) return *begun_ + kAfter[done_];
        return *begun_ + kRefresh * static_cast<int64_t>(done_ - kAfter.size() + 1);
    }
    // Whether one is due; if so, it counts as made. One that is late by more than the next is made once.
    bool take(TimePoint now) {
        if (!begun_ || now < *next()) return false;
        do ++done_;
        while (now >= *next());
        return true;
    }
    // After the burst, when there is no hurry, neighbours are asked whether they hold the address, too.
    bool in_burst() const { return done_ <= kBurst; }

private:
    std::optional<TimePoint> begun_;
    size_t done_ = 0;
};

}  // namespace steelyard::vip
