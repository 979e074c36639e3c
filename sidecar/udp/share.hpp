#pragma once
// What all UDP listeners of a worker have in common: the batch, and the bound on sessions. Beyond it the session that was silent for
// the longest makes room. Owned by the worker's thread.
#include <cstddef>

#include "sidecar/udp/batch.hpp"

namespace steelyard {

class UdpSession;

// Sessions by when a datagram last went through, in either direction. The links are in the sessions.
class UdpRecency {
public:
    void push(UdpSession* session);  // as the most recent
    void remove(UdpSession* session);
    void touch(UdpSession* session) {
        if (session == newest_) return;
        remove(session);
        push(session);
    }
    UdpSession* idlest() const { return oldest_; }
    size_t size() const { return size_; }

private:
    UdpSession* newest_ = nullptr;
    UdpSession* oldest_ = nullptr;
    size_t size_ = 0;
};

struct UdpShare {
    explicit UdpShare(size_t most) : max_sessions(most) {}

    const size_t max_sessions;
    UdpRecency sessions;
    DatagramBatch batch;
};

}  // namespace steelyard
