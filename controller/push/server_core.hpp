#pragma once
// What the server is made of: the acceptor, the registry of proxies with a session each, and the table that stats()
// copies. Private to controller/push/server*.cpp.
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>

#include "common/net/asio.hpp"
#include "controller/push/connection.hpp"
#include "controller/push/server.hpp"

namespace steelyard::push {

class PushServer::Core : public std::enable_shared_from_this<PushServer::Core> {
public:
    Core(asio::io_context& io, ServerOptions options, PushCache& cache);

    Result<void> start();
    uint16_t port() const { return port_; }
    void set_ready();
    void publish(Change change);
    void set_trust(const std::string& bundle);
    void stop();
    ServerStats stats() const;

    asio::io_context& io() { return io_; }

private:
    struct Proxy {
        uint64_t id;
        std::shared_ptr<Connection> connection;
        Peer peer;
        std::optional<TimePoint> asked;      // the authenticator, who has not answered
        std::optional<Identity> identity;    // its answer
        std::optional<TimePoint> expires;    // when the session must end
        std::optional<PushSession> session;  // from the open WebSocket on
        std::string name;                    // in names_
        std::optional<TimePoint> closing_since;
        std::string closing_code;
        bool counted = false;  // as a session: its hello was accepted
    };

    void accept();
    void on_accept(asio::ip::tcp::socket socket);
    void on_request(uint64_t id, const Peer& peer);
    void on_verdict(uint64_t id, Verdict verdict);
    void turn_away(Proxy& proxy, const Refusal& refusal);
    void on_open(uint64_t id);
    void on_message(uint64_t id, std::string_view text);
    void on_closed(uint64_t id, Connection::Stage stage, const std::string& why);
    std::optional<ErrorMessage> admit(uint64_t id, const Hello& hello);
    void run(Proxy& proxy, PushSession::Action action);
    void pass_on(uint64_t id, ClaimOrder order);
    void close(Proxy& proxy, const ErrorMessage& error);
    void note_message(Proxy& proxy);
    void note_nack(const Proxy& proxy);
    void welcome(Proxy& proxy);
    void arm_tick(Duration after);
    void on_tick();
    void trim();
    void refuse(const std::string& reason);
    void count_connections();
    bool may_complain();  // a log line about a peer: so many in a tick, the counters have them all
    static std::string describe(const Proxy& proxy);
    static void fill(ProxyStats& row, const Proxy& proxy);
    void note_progress(ProxyStats& row, const PushSession::Status& status);  // under the mutex

    asio::io_context& io_;
    ServerOptions options_;
    PushCache& cache_;
    asio::ip::tcp::acceptor acceptor_;
    asio::steady_timer tick_;
    asio::steady_timer accept_retry_;
    uint16_t port_ = 0;
    bool ready_ = false;
    bool stopping_ = false;
    uint64_t next_id_ = 1;
    std::unordered_map<uint64_t, std::unique_ptr<Proxy>> proxies_;
    std::unordered_map<std::string, uint64_t> names_;  // of proxies that said hello, by session_name()
    size_t strangers_ = 0;                             // of proxies_, those without an identity
    Frame trust_;
    unsigned complaints_ = 0;
    uint64_t bytes_at_tick_ = 0, bytes_at_trim_ = 0;

    mutable std::mutex mutex_;  // guards what follows: written on the io_context's thread, read from any
    ServerStats stats_;
    std::unordered_map<uint64_t, ProxyStats> rows_;
};

}  // namespace steelyard::push
