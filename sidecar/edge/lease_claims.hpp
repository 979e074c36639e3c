#pragma once
// What this node claims of the Leases that say which node holds a virtual router's addresses, and when: the node's side of the messages claim
// and grant (docs/push-protocol.md). Pure: fed with what the node wants, answers and time; never does I/O, never reads a clock. The thread
// that feeds it owns it.
//
// - What is ours is renewed after a third of its duration; what is another's is asked for each kMostPoll, or a quarter of the duration if
//   that is less. A Lease counts from the moment at which its claim was sent: it ends here before it ends for anybody else.
// - What is not wanted any more is released. What a node of higher priority wishes is transferred to it, after `preempt_delay` and unless
//   `preempt` is false. From the moment at which a release or transfer is sent nothing is held, whatever becomes of the message.
// - One claim is under way at a time. One that is not answered in time has a dead connection: see overdue().
// - The first claim of a router, and one of which nobody has the Lease, waits for (247 - priority) * 4 ms: the first in order gets it.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/push/message.hpp"

namespace steelyard::edge {

// A virtual router whose addresses this node may and can hold.
struct LeaseWant {
    uint8_t router_id = 0;
    uint8_t priority = 0;
    Milliseconds duration{5000};
    bool preempt = true;
    Milliseconds preempt_delay{0};

    friend bool operator==(const LeaseWant&, const LeaseWant&) = default;
};

struct LeaseStats {
    uint64_t held = 0, not_held = 0, problems = 0, overdue = 0;  // answers to claims to hold; claims without one
    uint64_t releases = 0, transfers = 0;                        // sent
};

class LeaseClaims {
public:
    static constexpr Milliseconds kMostPoll{250};
    static constexpr Milliseconds kLeastAnswer{1000}, kMostAnswer{2000};

    // What is known of one Lease.
    struct Lease {
        std::optional<LeaseWant> want;
        TimePoint until{};                       // ours until then, as granted
        bool given = false;                      // released or transferred: not ours, whatever `until` says
        std::string holder, wanted_by, problem;  // as the controller said last

        bool held(TimePoint now) const { return want && !given && now < until; }

    private:
        friend class LeaseClaims;
        TimePoint due{};  // when to claim
        Milliseconds duration{5000};
        std::string transfer_to;
        std::optional<TimePoint> wished;  // since when a better node wants it
    };

    explicit LeaseClaims(std::string node) : node_(std::move(node)) {}

    // All that is wanted: what is missing is released.
    void want(const std::vector<LeaseWant>& wants, TimePoint now);
    // A connection over which claims may be sent; what was under way on another one is lost.
    void connected(TimePoint now);
    void disconnected(TimePoint now);
    // What is to be sent now.
    std::optional<push::Claim> next(TimePoint now);
    // One to another claim than the one under way is passed over.
    void on_grant(const push::Grant& grant, TimePoint now);
    // The claim under way was not answered in time: the connection is to be made anew.
    bool overdue(TimePoint now) const { return under_way_ && now >= under_way_->answer_by; }

    // When next() or overdue() has something; TimePoint::max(): not before something else happens.
    TimePoint deadline() const;
    // Until when the router's addresses are ours; TimePoint{}: they are not.
    TimePoint until(uint8_t router_id) const;
    const std::map<uint8_t, Lease>& leases() const { return leases_; }
    const LeaseStats& stats() const { return stats_; }
    bool is_connected() const { return connected_; }

private:
    struct UnderWay {
        push::Claim claim;
        TimePoint sent, answer_by;
    };
    push::LeaseClaim claim_of(uint8_t router_id, Lease& lease, TimePoint now);
    void abandon(TimePoint now);
    void answered(const push::LeaseClaim& claim, const push::LeaseGrant& grant, TimePoint now);
    void held(Lease& lease, const push::LeaseGrant& grant, TimePoint now);
    void not_held(Lease& lease, const push::LeaseGrant& grant, TimePoint now);
    void wished_for(Lease& lease, TimePoint now);
    void forget_done(TimePoint now);

    const std::string node_;
    std::map<uint8_t, Lease> leases_;
    std::optional<UnderWay> under_way_;
    bool connected_ = false;
    uint64_t last_id_ = 0;
    LeaseStats stats_;
};

}  // namespace steelyard::edge
