#pragma once
// Counters of the data path. Each is written by one worker only and read by the scraper: a relaxed load and store, no locked
// instruction, no torn value. They are summed when somebody scrapes (sidecar/metrics).
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace steelyard {

class Counter {
public:
    void add(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) + n, std::memory_order_relaxed); }
    void sub(uint64_t n = 1) { value_.store(value_.load(std::memory_order_relaxed) - n, std::memory_order_relaxed); }
    uint64_t get() const { return value_.load(std::memory_order_relaxed); }

private:
    std::atomic<uint64_t> value_{0};
};

// Upper bounds in microseconds; the last bucket has none.
constexpr std::array<uint32_t, 14> kLatencyBounds{500,       1'000,     2'500,     5'000,     10'000,
                                                  25'000,    50'000,    100'000,   250'000,   500'000,
                                                  1'000'000, 2'500'000, 5'000'000, 10'000'000};

struct LatencyHistogram {
    std::array<Counter, kLatencyBounds.size() + 1> buckets;
    Counter sum_us;

    void observe(uint64_t us) {
        size_t i = 0;
        while (i < kLatencyBounds.size() && us > kLatencyBounds[i]) ++i;
        buckets[i].add();
        sum_us.add(us);
    }
};

// Why a request was answered by the proxy itself, or an exchange was cut.
enum class Failure : uint8_t {
    no_host,            // 503: nothing to send it to
    connect,            // 502: no host accepted a connection
    upstream_reset,     // 502: the backend broke off before its answer
    upstream_protocol,  // 502: the backend's answer was no HTTP
    upstream_cut,       // the backend broke off within its answer
    timeout,            // 504
    client_gone,        // the client broke off
    bad_request_body,   // a malformed chunk within the body
    kCount,
};
const char* to_string(Failure failure);

// Why a datagram was not sent on.
enum class UdpDrop : uint8_t {
    no_host,         // nothing to send it to
    wrong_protocol,  // the upstream is not one of UDP
    draining,        // of a new client, while the process drains
    unreachable,     // no host that was tried took it, or the client cannot be sent to
    too_big,         // for the way on
    truncated,       // longer than a datagram can be
    buffer_full,     // there was no room in the socket to send by
    source_range,    // the listener's source_ranges do not have the client
    queue_full,      // the kernel's queue overflowed before it was read
    kCount,
};
const char* to_string(UdpDrop why);

struct UdpCounters {
    Counter sessions;  // ever
    Counter active;    // a gauge
    Counter evicted;   // made room for another client
    Counter to_upstream;
    Counter to_client;  // datagrams
    std::array<Counter, static_cast<size_t>(UdpDrop::kCount)> drops;
};

struct CompressionCounters {
    std::array<Counter, 3> responses;  // by config::Coding
    Counter bytes_in;                  // of bodies, before and after
    Counter bytes_out;
};

struct CacheCounters {
    Counter hits;       // answered without a host
    Counter misses;     // sent on though it might have been kept
    Counter validated;  // of these, the host said that what is kept is still so
    Counter stale;      // of these, what is kept stood in for an error
    Counter kept;
};

// One worker's share of one upstream's figures.
struct alignas(64) UpstreamCounters {
    std::array<Counter, 6> responses;  // by status class: [2] = 2xx; [0] unused
    std::array<Counter, static_cast<size_t>(Failure::kCount)> failures;
    LatencyHistogram latency;
    Counter retries;
    Counter connects;
    Counter connect_failures;
    Counter reused;
    Counter idle_connections;    // a gauge
    Counter active_connections;  // a gauge: exchanges and tunnels under way
    Counter captured;            // client connections that were redirected here, ever
    Counter sessions;            // TCP connections and upgraded ones, ever
    Counter bytes_to_client;
    Counter bytes_to_upstream;
    Counter drain_cuts;  // ended because a host's drain time-out was over
    Counter ejections;   // of its hosts, each time
    CompressionCounters compression;
    CacheCounters cache;
    UdpCounters udp;  // its bytes, connects and drain cuts are counted above
};

// All workers' shares. Owned by the runtime, kept alive by snapshots.
class UpstreamStats {
public:
    explicit UpstreamStats(size_t workers) : size_(workers), shares_(new UpstreamCounters[workers]) {}
    UpstreamCounters& worker(size_t i) { return shares_[i]; }
    const UpstreamCounters& worker(size_t i) const { return shares_[i]; }
    size_t workers() const { return size_; }

    template <class F>
    uint64_t sum(F counter_of) const {
        uint64_t total = 0;
        for (size_t i = 0; i < size_; ++i) total += counter_of(shares_[i]).get();
        return total;
    }

private:
    size_t size_;
    std::unique_ptr<UpstreamCounters[]> shares_;
};

}  // namespace steelyard
