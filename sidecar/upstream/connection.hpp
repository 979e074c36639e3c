#pragma once
// One connection to a host, in use by an exchange or idle in a worker's pool. While idle it watches itself: a backend that closes takes
// it out of the pool before anybody sends a request into the void.
#include <atomic>
#include <cstdint>
#include <memory>

#include "common/clock.hpp"
#include "sidecar/reactor/channel.hpp"
#include "sidecar/upstream/host.hpp"

namespace steelyard {

class WorkerUpstream;

class UpstreamConnection final : public Channel::Owner, public Retired {
public:
    UpstreamConnection(WorkerUpstream& pool, std::shared_ptr<Host> host)
        : channel(*this), pool_(pool), host_(std::move(host)) {
        host_->connections.fetch_add(1, std::memory_order_relaxed);
    }
    ~UpstreamConnection() override { host_->connections.fetch_sub(1, std::memory_order_relaxed); }
    UpstreamConnection(const UpstreamConnection&) = delete;
    UpstreamConnection& operator=(const UpstreamConnection&) = delete;

    Channel channel;
    bool reused = false;    // has carried an exchange before
    bool personal = false;  // the host was told who the client is: nobody else's requests go there

    const std::shared_ptr<Host>& host() const { return host_; }

private:
    friend class WorkerUpstream;
    friend class IdleList;
    void on_channel(Channel&) override;  // only while idle

    WorkerUpstream& pool_;
    std::shared_ptr<Host> host_;
    TimePoint idle_since_;
    UpstreamConnection* newer_ = nullptr;  // neighbours in the idle list
    UpstreamConnection* older_ = nullptr;
};

// Idle connections to one host, newest first: the newest is the likeliest to be alive and in cache.
class IdleList {
public:
    bool empty() const { return newest_ == nullptr; }
    size_t size() const { return size_; }
    UpstreamConnection* oldest() const { return oldest_; }
    void push(UpstreamConnection* connection);
    UpstreamConnection* pop();
    void remove(UpstreamConnection* connection);

private:
    UpstreamConnection* newest_ = nullptr;
    UpstreamConnection* oldest_ = nullptr;
    size_t size_ = 0;
};

}  // namespace steelyard
