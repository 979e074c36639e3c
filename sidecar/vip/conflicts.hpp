#pragma once
// Tells a foreign host that claims a held address from a handover between virtual routers. Pure: fed with claims, adverts and time.
//
// When a master takes over, both may claim the address for some milliseconds; who takes over also sends adverts. So a claim counts only
// when no other master's advert was heard from one second before it until the wait is over and the address is still held then. At most
// one conflict a second is counted, which also bounds what is logged and announced in defence.
#include <optional>

#include "common/clock.hpp"
#include "sidecar/vip/net/frames.hpp"
#include "sidecar/vip/net/ip.hpp"

namespace steelyard::vip {

struct Conflict {
    Ip ip;
    Mac mac{};
};

class ConflictWatch {
public:
    // `wait`: how long a claim is left open; longer than a master that yields needs to be heard or to be silent.
    void on_claim(const Ip& ip, const Mac& mac, Duration wait, TimePoint now);
    void on_other_master(TimePoint now) { other_master_ = now; }
    // The address is not held any more.
    void forget() { open_.reset(); }

    // When to call due(); nullopt: no claim is open.
    std::optional<TimePoint> deadline() const;
    std::optional<Conflict> due(TimePoint now);
    // The latest, and when.
    const std::optional<std::pair<Conflict, TimePoint>>& last() const { return last_; }

private:
    struct Claim {
        Conflict conflict;
        TimePoint heard, decided;
    };
    std::optional<Claim> open_;
    std::optional<TimePoint> other_master_;
    std::optional<std::pair<Conflict, TimePoint>> last_;
};

}  // namespace steelyard::vip
