// The part of a virtual router that goes by a Lease.
#include "common/log.hpp"
#include "sidecar/vip/router_runner.hpp"

namespace steelyard::vip {

// The proxy has said until when the Lease is this node's, as often as it is renewed.
void RouterRunner::follow_lease() {
    LeaseMachine* lease = machine_.lease();
    if (lease == nullptr) return;
    const TimePoint now = Clock::now();
    apply(lease->set_lease(lease_end(router_.lease_until_ms.value_or(0), now), now));
}

// Where a Lease decides, who takes over says nothing but that it has the addresses: that is what a hand-over waits for, and no conflict.
bool RouterRunner::is_foreign_claim() {
    LeaseMachine* lease = machine_.lease();
    if (lease == nullptr) return true;
    if (lingering_) {
        log::debug("{}: another host claims the addresses", label());
        let_go();
        return false;
    }
    const TimePoint now = Clock::now();
    lease->on_claim(now);
    return !lease->has_just_begun(now);
}

}  // namespace steelyard::vip
