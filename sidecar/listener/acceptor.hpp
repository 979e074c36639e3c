#pragma once
// A worker's share of a listener: its own SO_REUSEPORT socket, so that the kernel spreads connections over workers and no two
// of them wake for one. Hands each accepted socket on; owned by the worker's thread.
#include <functional>

#include "common/result.hpp"
#include "sidecar/reactor/address.hpp"
#include "sidecar/reactor/fd.hpp"
#include "sidecar/session/worker_context.hpp"

namespace steelyard {

// Opens a listening socket with SO_REUSEPORT. port 0 = any free one: ask bound_port(). `freebind`: the address need not be there (yet).
// The error names address and cause.
Result<UniqueFd> open_listener(const std::string& ip, uint16_t port, bool freebind = false);
uint16_t bound_port(const UniqueFd& socket);

class Acceptor final : public EventHandler, public Retired {
public:
    using OnAccept = std::function<void(UniqueFd, const SocketAddress&)>;

    // max_sessions: of the whole worker; a connection beyond is closed at once and counted.
    Acceptor(WorkerContext& worker, UniqueFd socket, size_t max_sessions, OnAccept on_accept);

    void on_events(uint32_t events) override;
    // Serves what waits in the accept queue, then closes.
    void close();

private:
    bool accept_one();
    void shed_one();

    WorkerContext& worker_;
    UniqueFd socket_;
    UniqueFd spare_;  // given up for a moment when descriptors run out, to accept and close instead of spinning
    size_t max_sessions_;
    // To ask a queue that is empty costs a system call: what one turn found is what the next one asks for, and then more.
    int per_turn_ = 1;
    int singles_ = 0;  // turns in a row that found one
    OnAccept on_accept_;
};

}  // namespace steelyard
