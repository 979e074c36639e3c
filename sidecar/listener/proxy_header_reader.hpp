#pragma once
// A connection of whom --proxy-protocol-from names, until its PROXY header has come: reads just the header, so that what follows is
// still in the socket for whoever serves the connection, as if the client had connected itself. A header that is wrong, late or
// cut off ends the connection and is counted. Lives in its worker's session table.
#include <functional>

#include "sidecar/proxy_protocol/header.hpp"
#include "sidecar/session/session.hpp"
#include "sidecar/session/worker_context.hpp"

namespace steelyard {

class ProxyHeaderReader final : public Session, private EventHandler {
public:
    // Called at most once, with the address that the header names, or the peer's own when it names none.
    using Serve = std::function<void(UniqueFd client, const SocketAddress& who)>;

    static void accept(WorkerContext& worker, UniqueFd client, const SocketAddress& peer, Serve serve);

    ProxyHeaderReader(WorkerContext& worker, UniqueFd client, const SocketAddress& peer, Serve serve);
    ~ProxyHeaderReader() override;

    void on_sweep(TimePoint now) override;
    void on_drain() override {}  // it is served first
    void on_abort() override { end(); }

private:
    void on_events(uint32_t events) override;
    void finish(const proxy_protocol::Parsed& header);
    void refuse(proxy_protocol::Fault fault);
    void end();

    WorkerContext& worker_;
    UniqueFd client_;
    const SocketAddress peer_;
    const Serve serve_;
    const TimePoint deadline_;
};

}  // namespace steelyard
