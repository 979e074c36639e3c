#pragma once
// A client's HTTP/1.x connection: reads request heads one after the other, gives each to an Exchange, keeps the connection for the next
// or ends it. Lives in its worker's session table; one thread, no locks.
#include <netinet/in.h>

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "sidecar/http/exchange.hpp"
#include "sidecar/http/parser.hpp"
#include "sidecar/session/session.hpp"
#include "sidecar/session/worker_context.hpp"
#include "sidecar/upstream/worker_upstream.hpp"

namespace steelyard::http {

class ClientConnection final : public Session, private Channel::Owner {
public:
    static void accept(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream, UniqueFd client,
                       const SocketAddress& peer, std::shared_ptr<const std::string> listener);

    ClientConnection(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream, const SocketAddress& peer,
                     std::shared_ptr<const std::string> listener);
    ~ClientConnection() override;

    void on_sweep(TimePoint now) override;
    bool in_a_hurry() const override { return state_ == State::exchange && exchange_->connecting(); }
    void on_drain() override;
    void on_abort() override;

    // For the exchange. `input` holds what was read from the client and not consumed.
    Channel& channel() { return client_; }
    Buffer& input() { return input_; }
    WorkerContext& worker() { return worker_; }
    const std::shared_ptr<WorkerUpstream>& upstream() { return upstream_; }
    std::string_view client_ip() const { return {ip_, ip_size_}; }
    const SocketAddress& peer() const { return peer_; }
    const std::shared_ptr<const std::string>& listener() const { return listener_; }
    // The process, the listener or its address is going: the next answer is this connection's last.
    bool leaving() const {
        return worker_.draining || upstream_->abandoned() ||
               (worker_.leaving && listener_ && worker_.leaving->contains(*listener_));
    }
    // What the peer says of who asked is believed: --trusted-proxies names it.
    bool peer_trusted() const { return peer_trusted_; }

    // The exchange is over and answered. keep: the connection is at the start of the next request.
    void exchange_finished(bool keep);
    // It is over and answered, and the client will not ask again.
    void exchange_parted();
    // The exchange broke after its answer began, or the client is gone: nothing more can be said.
    void exchange_broken();
    // The exchange handed both sides to a tunnel.
    void exchange_upgraded();

private:
    enum class State : uint8_t { idle, reading_head, exchange, lingering, ended };

    void on_channel(Channel&) override;
    void drive();
    bool read_head();
    bool begin_exchange();
    void refuse(Fault fault);
    void refuse(uint16_t status, std::string_view detail, std::string_view failure);
    void log_refusal(uint16_t status, std::string_view failure, size_t bytes_out);
    void linger();
    void drain_input();
    void end();

    WorkerContext& worker_;
    std::shared_ptr<WorkerUpstream> upstream_;
    const std::shared_ptr<const std::string> listener_;  // its name, for the access log
    const SocketAddress peer_;
    Channel client_{*this};
    Buffer input_;
    std::unique_ptr<Exchange> exchange_;
    TimePoint deadline_;
    TimePoint idle_since_;
    uint32_t scanned_ = 0;
    uint32_t lingered_bytes_ = 0;
    State state_ = State::idle;
    bool need_more_ = false;  // what is in input_ is no whole head yet
    bool driving_ = false;
    bool peer_trusted_ = false;
    uint8_t ip_size_ = 0;
    char ip_[INET6_ADDRSTRLEN];
};

}  // namespace steelyard::http
