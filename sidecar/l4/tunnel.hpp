#pragma once
// A client connection whose bytes are passed on as they are: plain TCP from its first byte, or an HTTP connection after 101. A connect
// that fails goes to another host while nothing has been sent. Half-closes are passed on; either side's breaking off
// breaks the other. The upstream's policy, as it is when the connection begins, says the time-outs and whether the host is told who the
// client is (PROXY protocol).
#include <memory>
#include <string>

#include "sidecar/access_log/connection_note.hpp"
#include "sidecar/l4/relay.hpp"
#include "sidecar/session/session.hpp"
#include "sidecar/session/worker_context.hpp"
#include "sidecar/upstream/worker_upstream.hpp"

namespace steelyard {

class Tunnel final : public Session, private Channel::Owner {
public:
    // Takes an accepted TCP connection, finds it a host, and lives in the worker's session table until it ends.
    static void accept(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream, UniqueFd client,
                       const SocketAddress& peer, std::shared_ptr<const std::string> listener);

    // Takes over both sides of an upgraded HTTP exchange. The buffers hold what was read but not yet passed on.
    struct Upgraded {
        Channel& client;
        UpstreamConnection* upstream;
        HostLease lease;
        Buffer to_client;
        Buffer to_upstream;
        std::unique_ptr<access_log::ConnectionNote> note;
    };
    static void upgrade(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream, Upgraded&& sides);

    Tunnel(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream);
    ~Tunnel() override;

    void on_sweep(TimePoint now) override;
    void on_drain() override {}  // it may go on until the drain deadline
    void on_abort() override;
    // A lost host costs its clients the time-out of a connect, and not half a second more.
    bool in_a_hurry() const override { return state_ == State::connecting; }

private:
    enum class State : uint8_t { connecting, relaying, ended };

    void on_channel(Channel& channel) override;
    void connect_next();
    void connect_failed(HostFault fault);
    void connected();
    void relay();
    void read_policy();
    void end(bool broken, Failure why = Failure::kCount);
    Failure broken_by() const { return client_.broken() ? Failure::client_gone : Failure::upstream_cut; }

    WorkerContext& worker_;
    std::shared_ptr<WorkerUpstream> upstream_;
    UpstreamCounters& counters_;
    Channel client_{*this};
    Channel server_{*this};
    RelayDirection to_server_;
    RelayDirection to_client_;
    std::unique_ptr<access_log::ConnectionNote> note_;  // null: there is no access log
    HostLease lease_;
    TriedHosts tried_;
    uint64_t hash_ = 0;
    SocketAddress peer_;  // of one that did not begin as a request
    Milliseconds connect_timeout_;
    Milliseconds idle_timeout_;
    config::ProxyProtocol proxy_protocol_ = config::ProxyProtocol::none;
    State state_ = State::connecting;
    TimePoint deadline_;
};

}  // namespace steelyard
