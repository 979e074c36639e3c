#pragma once
// One accepted connection as the server sees it: messages in, frames out, an end. The transport below (WebSocket on TCP
// here; TLS takes its place beside it) is connection_ws.cpp's business alone. All calls and events are on the
// io_context's thread.
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/net/asio.hpp"
#include "controller/push/authenticator.hpp"
#include "controller/push/cache.hpp"

namespace steelyard::push {

struct ConnectionOptions {
    size_t max_message;  // bytes that the peer may send at once
    Milliseconds handshake_timeout;
    Milliseconds idle_timeout;
};

class Connection {
public:
    struct Events {
        std::function<void(const Peer&)> on_open;           // the WebSocket is up
        std::function<void(std::string_view)> on_message;   // a text message
        std::function<void(const std::string&)> on_closed;  // exactly once, the last one; says why
    };

    virtual ~Connection() = default;
    // The connection keeps itself alive from here to on_closed.
    virtual void start(Events events) = 0;
    // One frame at a time is in the making; the session sees to that.
    virtual void send(Frame frame) = 0;
    // Sends `last` (after what is being sent), says good-bye and closes. Nothing more is read.
    virtual void close(std::string last) = 0;
    // Closes at once.
    virtual void abort() = 0;
};

// ws:// on an accepted TCP connection.
std::shared_ptr<Connection> make_plain_connection(asio::ip::tcp::socket socket, const ConnectionOptions& options);

}  // namespace steelyard::push
