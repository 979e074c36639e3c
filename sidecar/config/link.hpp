#pragma once
// One attempt at a connection to the controller: resolve, connect, shake hands, messages, an end. The transport
// (WebSocket on TCP or on TLS, as the URL says) is link_ws.cpp's business alone. All calls and events are on the
// io_context's thread.
#include <cstddef>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "sidecar/config/url.hpp"

namespace boost::asio {
class io_context;
namespace ssl {
class context;
}
}  // namespace boost::asio

namespace steelyard::config {

struct LinkOptions {
    ControllerUrl url;
    size_t max_frame;  // bytes that the controller may send at once
    Milliseconds connect_timeout;
    Milliseconds idle_timeout;
    std::shared_ptr<boost::asio::ssl::context> tls;  // whom to trust; for wss:// only
    std::string token;                               // sent as a bearer token; "" = none
};

class Link {
public:
    struct Events {
        std::function<void()> on_open;
        std::function<void(std::string_view)> on_message;
        std::function<void(const std::string&)> on_closed;  // exactly once, the last one; says why
    };

    virtual ~Link() = default;
    // Keeps itself alive from here to on_closed.
    virtual void start(Events events) = 0;
    // In order, each once; what is queued is bounded by the protocol (one answer a frame).
    virtual void send(std::string text) = 0;
    // Sent when nothing else is: a newer one replaces one that has not gone yet.
    virtual void send_latest(std::string text) = 0;
    // Says good-bye if it can and closes; on_closed follows. Nothing more is delivered.
    virtual void close() = 0;
};

std::shared_ptr<Link> make_link(boost::asio::io_context& io, LinkOptions options);

}  // namespace steelyard::config
