#include "sidecar/upstream/slow_start.hpp"

#include <algorithm>
#include <chrono>

#include "sidecar/upstream/snapshot.hpp"

namespace steelyard {
namespace {

bool serves(const SnapshotHost& host) { return !host.draining && host.weight != 0 && host.host->usable(); }

void begin(const UpstreamSnapshot& snapshot, Host& host, int64_t now_ms) {
    host.warm_since_ms = now_ms;
    const int64_t until = now_ms + snapshot.policy.slow_start->window_ms;
    if (until > snapshot.warming_until_ms) snapshot.warming_until_ms = until;
}

}  // namespace

int64_t steady_ms(TimePoint time) { return std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count(); }

uint32_t warm_percent(const config::SlowStart& slow_start, int64_t since_ms, int64_t now_ms) {
    const int64_t passed = std::max<int64_t>(now_ms - since_ms, 0);
    if (since_ms == 0 || passed >= slow_start.window_ms) return 100;
    const auto risen = static_cast<uint32_t>((100 - slow_start.min_percent) * passed / slow_start.window_ms);
    return std::max(slow_start.min_percent + risen, 1U);
}

int64_t warming_until(const UpstreamSnapshot& snapshot) {
    if (!snapshot.policy.slow_start) return 0;
    int64_t latest = 0;
    for (const SnapshotHost& host : snapshot.hosts) latest = std::max(latest, host.host->warm_since_ms.load());
    return latest == 0 ? 0 : latest + snapshot.policy.slow_start->window_ms;
}

void warm_new_hosts(const UpstreamSnapshot* before, const UpstreamSnapshot& after, int64_t now_ms) {
    if (!after.policy.slow_start || before == nullptr) return;
    const auto known = [&](const SnapshotHost& host) {
        const auto found = before->index.find(host.host.get());
        return found != before->index.end() && !before->hosts[found->second].draining;
    };
    const bool others = std::any_of(after.hosts.begin(), after.hosts.end(),
                                    [&](const SnapshotHost& host) { return serves(host) && known(host); });
    for (const SnapshotHost& host : after.hosts) {
        if (before->index.contains(host.host.get())) continue;
        if (others) {
            begin(after, *host.host, now_ms);
        } else {
            host.host->warm_since_ms = 0;  // from when it was here before
        }
    }
}

void warm_returned_host(const UpstreamSnapshot& snapshot, Host& host, int64_t now_ms) {
    if (!snapshot.policy.slow_start) return;
    const bool others = std::any_of(snapshot.hosts.begin(), snapshot.hosts.end(), [&](const SnapshotHost& other) {
        return serves(other) && other.host.get() != &host;
    });
    if (others) begin(snapshot, host, now_ms);
}

}  // namespace steelyard
