#include "sidecar/upstream/ejection.hpp"

#include <algorithm>
#include <cerrno>

#include "sidecar/upstream/snapshot.hpp"

namespace steelyard {
namespace {

constexpr auto kRelaxed = std::memory_order_relaxed;
// A try that ends in silence, as a UDP session may, keeps the host out no longer.
constexpr int64_t kTrialMs = 5'000;
constexpr uint32_t kMostDoublings = 16;

int64_t penalty_ms(const EjectionOptions& options, uint32_t ejections) {
    const int64_t base = options.base.count();
    return std::min(base << std::min(ejections, kMostDoublings), std::max(base, options.most.count()));
}

// Is there room for one more among those that are ejected? Asked only when a host is about to be.
bool may_eject(const UpstreamSnapshot& snapshot, const Host& host, uint32_t max_percent, int64_t now_ms) {
    size_t all = 0;
    size_t out = 1;
    for (const SnapshotHost& one : snapshot.hosts) {
        if (one.draining) continue;
        ++all;
        if (one.host.get() != &host && is_ejected(*one.host, now_ms)) ++out;
    }
    return out * 100 <= all * max_percent;
}

}  // namespace

HostFault fault_of_connect(int error) {
    return error == ETIMEDOUT || error == EHOSTUNREACH || error == EHOSTDOWN ? HostFault::silent : HostFault::refused;
}

bool is_ejected(const Host& host, int64_t now_ms) {
    const int64_t until = host.ejected_until_ms.load(kRelaxed);
    return until != 0 && now_ms < until;
}

bool note_failure(const UpstreamSnapshot& snapshot, Host& host, HostFault fault, const EjectionOptions& options,
                  int64_t now_ms) {
    if (options.after == 0) return false;
    const uint32_t row = host.failed_in_row.fetch_add(1, kRelaxed) + 1;
    const bool known = host.ejected_until_ms.load(kRelaxed) != 0;
    if (row < options.after && fault != HostFault::silent && !known) return false;
    // What was begun before the host was ejected fails after it: that is known.
    if (is_ejected(host, now_ms) && !host.on_trial.exchange(false, kRelaxed)) return false;
    if (!may_eject(snapshot, host, options.max_percent, now_ms)) {
        host.ejected_until_ms.store(0, kRelaxed);  // others have taken its place while it was tried
        return false;
    }
    const uint32_t ejections = host.ejections.fetch_add(1, kRelaxed);
    host.ejected_until_ms.store(now_ms + penalty_ms(options, ejections), kRelaxed);
    return true;
}

void note_answer(Host& host) {
    if (host.failed_in_row.load(kRelaxed) != 0) host.failed_in_row.store(0, kRelaxed);
    if (host.ejected_until_ms.load(kRelaxed) == 0) return;
    host.ejected_until_ms.store(0, kRelaxed);
    host.on_trial.store(false, kRelaxed);
    host.ejections.store(0, kRelaxed);
}

void begin_trial(Host& host, int64_t now_ms) {
    int64_t until = host.ejected_until_ms.load(kRelaxed);
    if (until == 0 || now_ms < until) return;
    if (host.ejected_until_ms.compare_exchange_strong(until, now_ms + kTrialMs, kRelaxed)) {
        host.on_trial.store(true, kRelaxed);
    }
}

}  // namespace steelyard
