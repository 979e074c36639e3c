#pragma once
// One endpoint as the proxy lives with it. A Host keeps its identity over any number of configuration changes, so that what
// is known about it (health, requests in flight, counts) is not lost. Shared by all workers: the identity is immutable, the
// rest atomic.
#include <atomic>
#include <cstdint>
#include <string>
#include <utility>

#include "sidecar/balancer/response_average.hpp"
#include "sidecar/reactor/address.hpp"

namespace steelyard {

enum class Health : uint8_t { unknown, up, down };

class Host {
public:
    Host(std::string id, SocketAddress address) : id_(std::move(id)), address_(address) {}

    const std::string& id() const { return id_; }  // "10.0.0.1:80"
    const SocketAddress& address() const { return address_; }

    // Whatever passive health says (sidecar/upstream/ejection.hpp).
    bool usable() const { return health.load(std::memory_order_relaxed) != Health::down; }
    // Neither down nor ejected.
    bool preferred(int64_t now_ms) const {
        const int64_t until = ejected_until_ms.load(std::memory_order_relaxed);
        return usable() && (until == 0 || now_ms >= until);
    }

    // 0: stays. Else the steady time in milliseconds after which what is still in flight here is cut, because the host is
    // draining or gone and its drain time-out is over. Written by the main thread.
    std::atomic<int64_t> cut_after_ms{0};
    // Written by the prober (main thread). Unknown counts as usable: Kubernetes says ready, and no probe has objected yet.
    std::atomic<Health> health{Health::unknown};
    // The steady time in milliseconds from when its weight rises (policy.slow_start); 0: it has it all. Written by the main thread.
    std::atomic<int64_t> warm_since_ms{0};

    // UDP: what its sessions know together (sidecar/udp/silence.hpp). Steady milliseconds, written by workers once a millisecond at most.
    std::atomic<int64_t> spoke_ms{0};         // its last datagram; 0: none
    std::atomic<int64_t> longest_wait_ms{0};  // that a datagram of its own ended
    std::atomic<uint32_t> unanswered{0};      // datagrams that it was sent since

    // Written by workers, on a line of their own.
    alignas(64) std::atomic<uint32_t> active{0};  // exchanges and tunnels in flight
    std::atomic<uint32_t> connections{0};         // open or being opened: in use and idle in the workers' pools
    std::atomic<uint64_t> requests{0};            // exchanges and tunnels ever begun
    std::atomic<uint64_t> failures{0};            // connects refused or timed out, resets, cut answers
    std::atomic<uint32_t> failed_in_row{0};       // of these, since its last answer
    std::atomic<uint32_t> ejections{0};           // the same
    std::atomic<int64_t> ejected_until_ms{0};     // 0: it is not
    std::atomic<bool> on_trial{false};            // one exchange tries whether it is well again
    balancer::ResponseAverage response;           // HTTP: request sent to head of the answer; TCP: time to connect

private:
    std::string id_;
    SocketAddress address_;
};

}  // namespace steelyard
