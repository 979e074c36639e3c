#pragma once
// A captured connection that nothing is known of: a connection to where it was going, and bytes both ways as they are, so that the
// client is served as it would be without a proxy. Half-closes are passed on; either side's breaking off breaks the other. A
// destination that does not answer is seen by the client as a reset.
#include <memory>
#include <optional>

#include "sidecar/access_log/connection_note.hpp"
#include "sidecar/l4/own_connections.hpp"
#include "sidecar/l4/relay.hpp"
#include "sidecar/session/session.hpp"
#include "sidecar/session/worker_context.hpp"

namespace steelyard {

class PassThrough final : public Session, private Channel::Owner {
public:
    // `own` outlives the session.
    static void accept(WorkerContext& worker, UniqueFd client, const SocketAddress& peer,
                       const SocketAddress& destination, OwnConnections& own);

    PassThrough(WorkerContext& worker, OwnConnections& own);
    ~PassThrough() override;

    void on_sweep(TimePoint now) override;
    // It may go on until the drain deadline, unless it has not begun and its client is gone.
    void on_drain() override;
    void on_abort() override;

private:
    enum class State : uint8_t { connecting, relaying, ended };

    void on_channel(Channel& channel) override;
    void connect(const SocketAddress& destination);
    void relay();
    void fail();
    void end(bool broken, Failure why = Failure::kCount);
    Failure broken_by() const { return client_.broken() ? Failure::client_gone : Failure::upstream_cut; }

    WorkerContext& worker_;
    OwnConnections& own_;
    std::optional<OwnConnections::Pair> pair_;
    Channel client_{*this};
    Channel server_{*this};
    RelayDirection to_server_;
    RelayDirection to_client_;
    std::unique_ptr<access_log::ConnectionNote> note_;  // null: there is no access log
    State state_ = State::connecting;
    TimePoint deadline_;
};

}  // namespace steelyard
