#pragma once
// One accepted connection as the server sees it: a request that is let in or not, messages in, frames out, an end. The
// transport below (WebSocket on TCP or on TLS) is connection_ws.cpp's business alone. All calls and events are on the
// io_context's thread. Until accept(), a peer may cost a TLS hand-shake and 8 KiB of head, within the hand-shake's time.
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/net/asio.hpp"
#include "controller/push/authenticator.hpp"
#include "controller/push/cache.hpp"

namespace boost::asio::ssl {
class context;
}

namespace steelyard::push {

struct ConnectionOptions {
    size_t max_message;  // bytes that the peer may send at once
    Milliseconds handshake_timeout;
    Milliseconds idle_timeout;
};

// Messages besides the frames: a newer one of a kind takes the place of one that has not gone yet.
enum class Note : uint8_t { trust, refused, grant };

class Connection {
public:
    enum class Stage : uint8_t { tls, http, refused, open };  // how far it came
    struct Events {
        std::function<void(const Peer&)> on_request;               // answer it: accept() or refuse(), now or later
        std::function<void()> on_open;                             // the WebSocket is up
        std::function<void(std::string_view)> on_message;          // a text message
        std::function<void(Stage, const std::string&)> on_closed;  // exactly once, the last one; says why
    };

    virtual ~Connection() = default;
    // The connection keeps itself alive from here to on_closed.
    virtual void start(Events events) = 0;
    virtual void accept() = 0;
    // Answers with this HTTP status and closes.
    virtual void refuse(unsigned status, std::string_view text) = 0;
    // One frame at a time is in the making; the session sees to that.
    virtual void send(Frame frame) = 0;
    // Goes before a frame that has not gone yet.
    virtual void send_note(Note kind, Frame note) = 0;
    // Sends `last` (after what is being sent), says good-bye and closes. Nothing more is read.
    virtual void close(std::string last) = 0;
    // Closes at once.
    virtual void abort() = 0;
};

// ws:// on an accepted TCP connection, or wss:// if there is a context.
std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket, const ConnectionOptions& options,
                                            std::shared_ptr<asio::ssl::context> tls);

}  // namespace steelyard::push
