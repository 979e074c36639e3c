#include "controller/leader/machine.hpp"

#include <algorithm>
#include <utility>

namespace steelyard::leader {

Result<void> validate(const Timing& timing) {
    if (timing.lease_duration < Milliseconds(1000) || timing.lease_duration.count() % 1000 != 0)
        return Error{"--lease-duration", "must be whole seconds, at least 1s"};
    if (timing.renew_deadline >= timing.lease_duration)
        return Error{"--renew-deadline",
                     "must be shorter than --lease-duration: a leader must have stopped before another begins"};
    if (timing.retry_period < Milliseconds(10)) return Error{"--retry-period", "must be at least 10ms"};
    if (timing.renew_deadline.count() * 10 <= timing.retry_period.count() * 12)
        return Error{"--retry-period", "must be so short that 1.2 of it fit into --renew-deadline"};
    return {};
}

LeaderMachine::LeaderMachine(std::string identity, Timing timing, Random random)
    : identity_(std::move(identity)), timing_(timing), random_(std::move(random)) {}

LeaderMachine::Step LeaderMachine::next(TimePoint now, kube::WallTime wall) {
    if (leading_ && !leads(now)) {
        leading_ = false;
        known_ = false;
    }
    if (now < next_try_) return {Do::wait, leading_ ? std::min(next_try_, leads_until()) : next_try_};
    if (!known_) return {Do::read};
    if (absent_) return {Do::create, {}, claim(wall)};
    if (!leading_ && !is_free(now)) return {Do::follow, seen_at_ + lease_.duration};
    return {Do::write, {}, claim(wall)};
}

Lease LeaderMachine::claim(kube::WallTime wall) const {
    Lease out = lease_;
    const std::string time = kube::micro_time(wall);
    if (absent_) {
        out = Lease{};
        out.acquire_time = time;
    } else if (!is_ours()) {
        out.acquire_time = time;
        ++out.transitions;
    }
    out.holder = identity_;
    out.duration = timing_.lease_duration;
    out.renew_time = time;
    return out;
}

void LeaderMachine::on_lease(Lease lease, TimePoint now) {
    // A new resource version with the same record (somebody's label) is no sign of life of the holder.
    if (absent_ || seen_at_ == TimePoint{} || !lease.same_record(lease_)) seen_at_ = now;
    lease_ = std::move(lease);
    known_ = true;
    absent_ = false;
    if (leading_ && !is_ours() && !is_free(now)) leading_ = false;  // taken from us, by hand
}

void LeaderMachine::on_absent(TimePoint now) {
    lease_ = Lease{};
    seen_at_ = now;
    known_ = absent_ = true;
}

void LeaderMachine::on_written(Lease lease, TimePoint began) {
    lease_ = std::move(lease);
    seen_at_ = renewed_at_ = began;
    known_ = leading_ = true;
    absent_ = false;
    conflicts_ = 0;
    next_try_ = began + timing_.retry_period;
}

// Read at once what the other wrote; but who keeps losing, waits.
void LeaderMachine::on_conflict(TimePoint now) {
    known_ = false;
    if (++conflicts_ > 2) on_failure(now);
}

void LeaderMachine::on_failure(TimePoint now) {
    known_ = false;
    next_try_ = now + (leading_ ? timing_.retry_period : jittered());
}

// As client-go's JitterUntil with a factor of 1.2: candidates do not come together.
Milliseconds LeaderMachine::jittered() const {
    return Milliseconds(
        static_cast<int64_t>(static_cast<double>(timing_.retry_period.count()) * (1 + 1.2 * random_())));
}

std::optional<Lease> LeaderMachine::release(TimePoint now, kube::WallTime wall) {
    if (!leads(now)) return std::nullopt;
    leading_ = false;
    Lease out = lease_;
    out.holder.clear();
    out.duration = std::chrono::seconds(1);
    out.renew_time = out.acquire_time = kube::micro_time(wall);
    return out;
}

}  // namespace steelyard::leader
