#pragma once
// Decides who leads, by client-go's rules (tools/leaderelection): a Lease that was seen to change counts as held for its
// duration from then on, by our own clock; whoever finds it free writes it, and the API server lets one write through.
// A leader renews every retry period and stops leading when no renewal succeeded for the renew deadline, which is shorter
// than the Lease: it has stopped before another may begin. Both sides err on the safe side: a leader counts from when its
// request began, others from when they saw its effect.
// Fed with what came of its steps; never does I/O, never reads a clock. One thread.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "controller/kube/micro_time.hpp"
#include "controller/leader/lease.hpp"

namespace steelyard::leader {

struct Timing {
    Milliseconds lease_duration{15'000};
    Milliseconds renew_deadline{10'000};
    Milliseconds retry_period{2'000};
};
// lease duration > renew deadline > 1.2 x retry period, whole seconds for the Lease. The error names the flag.
Result<void> validate(const Timing& timing);

class LeaderMachine {
public:
    using Random = std::function<double()>;  // uniform over [0, 1)

    enum class Do : uint8_t {
        read,    // GET the Lease
        create,  // POST `lease`
        write,   // PUT `lease`
        follow,  // somebody else holds it: look at it change until `until`, then ask again
        wait,    // until `until`
    };
    struct Step {
        Do what = Do::wait;
        TimePoint until{};
        Lease lease{};
    };

    LeaderMachine(std::string identity, Timing timing, Random random);

    // What to do now. May find that we lead no longer.
    Step next(TimePoint now, kube::WallTime wall);

    // What became of it. `began`: when the request was sent.
    void on_lease(Lease lease, TimePoint now);      // read, or seen by a watch
    void on_absent(TimePoint now);                  // there is none
    void on_written(Lease lease, TimePoint began);  // our write came through
    void on_conflict(TimePoint now);                // somebody else wrote before us
    void on_failure(TimePoint now);                 // anything else
    // The Lease as it is to be written by a leader that goes, if we are one: free, and short for those who only look at times.
    std::optional<Lease> release(TimePoint now, kube::WallTime wall);

    bool leads(TimePoint now) const { return leading_ && now < leads_until(); }
    // Until when at the latest we lead unless a renewal succeeds before.
    TimePoint leads_until() const { return renewed_at_ + timing_.renew_deadline; }
    const std::string& holder() const { return lease_.holder; }

private:
    bool is_ours() const { return lease_.holder == identity_; }
    bool is_free(TimePoint now) const {
        return lease_.holder.empty() || is_ours() || now >= seen_at_ + lease_.duration;
    }
    Lease claim(kube::WallTime wall) const;
    Milliseconds jittered() const;

    const std::string identity_;
    const Timing timing_;
    const Random random_;
    Lease lease_;          // as last seen
    TimePoint seen_at_{};  // when it last was another than before
    bool known_ = false;   // seen, or seen to be absent, since the last failure
    bool absent_ = false;
    bool leading_ = false;
    TimePoint renewed_at_{};
    TimePoint next_try_{};
    uint32_t conflicts_ = 0;  // in a row
};

}  // namespace steelyard::leader
