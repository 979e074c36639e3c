#pragma once
// What the webhook's connections share. Private to controller/inject; belongs to the io_context's thread but for what `mutex` guards.
#include <map>
#include <memory>
#include <mutex>
#include <optional>

#include "common/net/asio.hpp"
#include "controller/inject/server.hpp"

namespace steelyard::inject {

class Connection;

struct Server::Core : std::enable_shared_from_this<Server::Core> {
    Core(asio::io_context& context, Tls tls_source, Handler review_handler, ServerLimits server_limits)
        : io(context),
          acceptor(context),
          tls(std::move(tls_source)),
          handler(std::move(review_handler)),
          limits(server_limits) {}

    void accept();
    void adopt(asio::ip::tcp::socket socket);
    std::shared_ptr<Connection> least_wanted() const;
    void ended(uint64_t id);
    void count_refused(const char* reason);
    bool reserve(uint64_t bytes);  // of all_body_bytes
    void release(uint64_t bytes) { body_bytes -= bytes; }

    asio::io_context& io;
    asio::ip::tcp::acceptor acceptor;
    const Tls tls;
    const Handler handler;
    const ServerLimits limits;
    std::map<uint64_t, std::weak_ptr<Connection>> connections;
    uint64_t next_id = 1;
    uint64_t body_bytes = 0;
    bool accepting = false;
    bool stopping = false;

    mutable std::mutex mutex;
    ServerStats stats;
};

// One connection: handshake, then requests one after the other. Keeps itself alive while an operation is pending.
class Connection {
public:
    static std::shared_ptr<Connection> make(std::shared_ptr<Server::Core> core, uint64_t id,
                                            asio::ip::tcp::socket socket,
                                            std::shared_ptr<boost::asio::ssl::context> tls);
    virtual ~Connection() = default;
    virtual void run() = 0;
    virtual void close() = 0;
    // Since when it has asked for nothing; nullopt while a request is being served.
    virtual std::optional<TimePoint> idle_since() const = 0;
    // Whether it has asked for something yet.
    virtual bool known() const = 0;
};

}  // namespace steelyard::inject
