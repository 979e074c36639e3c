#pragma once
// One worker's view of one upstream: its balancer and its pools of idle connections. Survives configuration changes: a new snapshot
// keeps the pools of the hosts that stay and closes those of hosts that left or drain. Owned by one worker, not thread-safe.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "sidecar/balancer/balancer.hpp"
#include "sidecar/reactor/reactor.hpp"
#include "sidecar/upstream/connection.hpp"
#include "sidecar/upstream/ejection.hpp"
#include "sidecar/upstream/host_picker.hpp"
#include "sidecar/upstream/snapshot.hpp"
#include "sidecar/upstream/tried_hosts.hpp"
#include "sidecar/upstream/use.hpp"

namespace steelyard {

// Of the hosts of each upstream.
struct HostLimits {
    uint32_t max_idle_per_host = 1024;  // connections
    Milliseconds idle_timeout{30'000};
    EjectionOptions ejection;
};

class WorkerUpstream {
public:
    // `key`: of its use (sidecar/upstream/use.hpp); a name alone is one, too.
    WorkerUpstream(std::string_view key, Reactor& reactor, uint32_t worker, const HostLimits& limits);
    ~WorkerUpstream();
    WorkerUpstream(const WorkerUpstream&) = delete;
    WorkerUpstream& operator=(const WorkerUpstream&) = delete;

    const std::string& name() const { return use_.name; }
    // Hosts are to see the client's address.
    bool transparent() const { return use_.transparent; }
    // nullptr until the configuration names this upstream, and again when it no longer does.
    const UpstreamSnapshot* snapshot() const { return snapshot_.get(); }
    void update(std::shared_ptr<const UpstreamSnapshot> snapshot);
    // Why the controller does not give it to us; "" when it does or has not said. For who is not served.
    void set_refusal(std::string problem) { refusal_ = std::move(problem); }
    std::string unready() const {
        return refusal_.empty() ? "no endpoint of " + use_.name + (use_.local ? " on this node" : "") + " is ready"
                                : "upstream " + use_.name + " is refused by the controller: " + refusal_;
    }
    // No listener leads here any more, and no update will come: connections end with their next answer.
    void abandon() { abandoned_ = true; }
    bool abandoned() const { return abandoned_; }

    // The host for the next try: of those not yet tried, a ready one that is not known to be down, as the policy picks
    // (see host_picker.hpp); when there is none, a draining one that is not down; else nullptr.
    std::shared_ptr<Host> pick(const balancer::PickContext& context, const TriedHosts& tried);

    // Whether failures eject anybody.
    bool ejects() const { return limits_.ejection.after != 0; }
    // The host failed: counts it, and ejects it when it is time.
    void note_failure(Host& host, HostFault fault = HostFault::refused);

    // An idle connection to the host (unless a fresh one is asked for), or a new one that is not connected yet. The caller
    // owns it until release() or discard().
    UpstreamConnection* acquire(const std::shared_ptr<Host>& host, bool fresh);
    // Back to the pool, when the host still takes new requests and the pool has room; else closed.
    void release(UpstreamConnection* connection);
    void discard(UpstreamConnection* connection);

    // Closes what has been idle for too long.
    void sweep(TimePoint now);
    bool has_idle() const { return idle_total_ != 0; }

    // This worker's counters; before the first snapshot, a private scrap share.
    UpstreamCounters& counters() { return *counters_; }

private:
    friend class UpstreamConnection;
    IdleList* pool_of(const Host* host);
    void on_idle_event(UpstreamConnection* connection);
    void close_idle(IdleList& list);

    const UpstreamUse use_;
    Reactor& reactor_;
    uint32_t worker_;
    const HostLimits& limits_;
    std::shared_ptr<const UpstreamSnapshot> snapshot_;
    std::optional<HostPicker> picker_;
    std::vector<IdleList> pools_;  // parallel to snapshot_->hosts
    size_t idle_total_ = 0;
    uint32_t draining_turn_ = 0;
    std::string refusal_;
    bool abandoned_ = false;
    std::shared_ptr<UpstreamStats> stats_;  // of the last snapshot: outlives it, as exchanges do
    UpstreamCounters scrap_;
    UpstreamCounters* counters_ = &scrap_;
};

// Milliseconds of the steady clock, wrapping: what response averages are stamped with.
uint32_t coarse_ms(TimePoint time);

// Counts one exchange on a host for as long as it lives.
class HostLease {
public:
    HostLease() = default;
    HostLease(std::shared_ptr<Host> host, TimePoint now) : host_(std::move(host)), begun_(now), asked_(now) {
        host_->active.fetch_add(1, std::memory_order_relaxed);
        host_->requests.fetch_add(1, std::memory_order_relaxed);
    }
    HostLease(HostLease&& other) noexcept
        : host_(std::move(other.host_)),
          begun_(other.begun_),
          asked_(other.asked_),
          connection_(std::exchange(other.connection_, false)) {}
    HostLease& operator=(HostLease&& other) noexcept {
        end();
        host_ = std::move(other.host_);
        begun_ = other.begun_;
        asked_ = other.asked_;
        connection_ = std::exchange(other.connection_, false);
        return *this;
    }
    ~HostLease() { end(); }
    void end() {
        if (host_) host_->active.fetch_sub(1, std::memory_order_relaxed);
        if (std::exchange(connection_, false)) host_->connections.fetch_sub(1, std::memory_order_relaxed);
        host_.reset();
    }
    // It has a connection of its own, which is no UpstreamConnection: counts that as well.
    void add_connection() {
        if (host_ && !std::exchange(connection_, true)) host_->connections.fetch_add(1, std::memory_order_relaxed);
    }
    const std::shared_ptr<Host>& host() const { return host_; }
    explicit operator bool() const { return host_ != nullptr; }
    // The host has now all that it was asked; else its time runs from when it was picked.
    void asked(TimePoint now) { asked_ = now; }
    // It has answered: a sample of its response time, which least-response-time balances by.
    void answered(TimePoint now);
    // The drain time-out of the host is over. Never so for what began later, on a host that serves because no other is left.
    bool expired(TimePoint now) const;

private:
    std::shared_ptr<Host> host_;
    TimePoint begun_;
    TimePoint asked_;
    bool connection_ = false;
};

}  // namespace steelyard
