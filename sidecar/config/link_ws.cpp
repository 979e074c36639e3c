// The proxy's end of a WebSocket, on Beast. Compiles slowly: nothing else belongs here.
#include <malloc.h>

#include <deque>
#include <optional>
#include <type_traits>

#include "common/net/asio.hpp"
#include "common/net/beast.hpp"
#include "common/net/beast_tls.hpp"
#include "common/tls/client_context.hpp"
#include "sidecar/config/link.hpp"

namespace steelyard::config {
namespace {

using tcp = asio::ip::tcp;
constexpr size_t kKeptBufferBytes = 1u << 20;

// Stream: beast::tcp_stream or TlsStream.
template <class Stream>
class WsLink final : public Link, public std::enable_shared_from_this<WsLink<Stream>> {
public:
    WsLink(asio::io_context& io, LinkOptions options, Stream&& stream)
        : options_(std::move(options)),
          resolver_(io),
          deadline_(io),
          ws_(std::move(stream)),
          buffer_(options_.max_frame) {}

    void start(Events events) override {
        events_ = std::move(events);
        deadline_.expires_after(options_.connect_timeout);
        deadline_.async_wait([self = this->shared_from_this()](error_code cancelled) {
            if (!cancelled && !self->connecting_) self->end("resolving " + self->options_.url.host + ": timed out");
        });
        resolver_.async_resolve(
            options_.url.host, std::to_string(options_.url.port), tcp::resolver::numeric_service,
            [self = this->shared_from_this()](error_code ec, const tcp::resolver::results_type& found) {
                self->on_resolve(ec, found);
            });
    }

    void send(std::string text) override {
        if (closed_) return;
        queue_.push_back(std::move(text));
        write();
    }

    void send_latest(std::string text) override {
        if (closed_) return;
        latest_ = std::move(text);
        write();
    }

    void close() override {
        if (closed_) return;
        if (!open_) return end("closed");
        // The good-bye has as long as a hand-shake may take, then the socket closes anyway.
        ws_.async_close(websocket::close_code::going_away,
                        [self = this->shared_from_this()](error_code) { self->shut(); });
        notify("closed");
    }

private:
    auto& lowest() { return beast::get_lowest_layer(ws_); }

    void on_resolve(error_code ec, const tcp::resolver::results_type& found) {
        deadline_.cancel();
        if (closed_) return;
        if (ec) return end("resolving " + options_.url.host + ": " + ec.message());
        connecting_ = true;
        lowest().expires_after(options_.connect_timeout);
        lowest().async_connect(found, [self = this->shared_from_this()](error_code failure, const tcp::endpoint&) {
            self->on_connect(failure);
        });
    }

    void on_connect(error_code ec) {
        if (closed_) return;
        if (ec) return end("connecting: " + ec.message());
        error_code ignored;
        lowest().socket().set_option(tcp::no_delay(true), ignored);
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            auto& stream = ws_.next_layer();
            if (auto expected = tls::expect_host(stream.native_handle(), options_.url.host); !expected) {
                return end(expected.error().to_string());
            }
            lowest().expires_after(options_.connect_timeout);
            stream.async_handshake(ssl::stream_base::client,
                                   [self = this->shared_from_this()](error_code failure) { self->on_tls(failure); });
        } else {
            upgrade();
        }
    }

    void on_tls(error_code ec) {
        if (closed_) return;
        if (!ec) return upgrade();
        std::string why = "TLS hand-shake: " + ec.message();
        if constexpr (std::is_same_v<Stream, TlsStream>) {
            const std::string untrusted = tls::verify_problem(ws_.next_layer().native_handle());
            if (!untrusted.empty()) why = "the controller's certificate is not trusted: " + untrusted;
        }
        end(why);
    }

    void upgrade() {
        lowest().expires_never();  // the WebSocket has time-outs of its own
        websocket::stream_base::timeout timeouts{};
        timeouts.handshake_timeout = options_.connect_timeout;
        timeouts.idle_timeout = options_.idle_timeout;
        timeouts.keep_alive_pings = true;
        ws_.set_option(timeouts);
        ws_.read_message_max(options_.max_frame);
        ws_.text(true);
        if (!options_.token.empty()) {
            ws_.set_option(websocket::stream_base::decorator([token = "Bearer " + options_.token](auto& request) {
                request.set(http_message::field::authorization, token);
            }));
        }
        const auto& url = options_.url;
        const bool v6 = url.host.find(':') != std::string::npos;
        const std::string host = (v6 ? "[" + url.host + "]" : url.host) + ":" + std::to_string(url.port);
        ws_.async_handshake(response_, host, url.path,
                            [self = this->shared_from_this()](error_code failure) { self->on_handshake(failure); });
    }

    void on_handshake(error_code ec) {
        if (closed_) return;
        if (ec == websocket::error::upgrade_declined) {
            return end(declined(response_.result_int()));
        }
        if (ec) return end("WebSocket hand-shake: " + ec.message());
        response_ = {};
        open_ = true;
        events_.on_open();
        read();
    }

    std::string declined(unsigned status) const {
        switch (status) {
            case 401:
                return options_.token.empty() ? "the controller wants a token (HTTP 401): --token-file is not set"
                                              : "the controller does not accept the token (HTTP 401)";
            case 403:
                return "the token is not meant for this controller (HTTP 403): look at its audience";
            case 503:
                return "the controller cannot review tokens now (HTTP 503)";
            default:
                return "the answer is HTTP " + std::to_string(status) + ", not a WebSocket";
        }
    }

    void read() {
        if (closed_) return;
        ws_.async_read(buffer_, [self = this->shared_from_this()](error_code ec, size_t) { self->on_read(ec); });
    }

    void on_read(error_code ec) {
        if (closed_) return;
        if (ec == websocket::error::message_too_big || ec == websocket::error::buffer_overflow) {
            return end("a frame of more than " + std::to_string(options_.max_frame) + " bytes");
        }
        if (ec == websocket::error::closed) return end("closed by the controller");
        if (ec) return end(ec.message());
        if (!ws_.got_text()) return end("a binary message, which the protocol does not have");
        const auto data = buffer_.data();
        events_.on_message({static_cast<const char*>(data.data()), data.size()});
        buffer_.consume(buffer_.size());
        if (buffer_.capacity() > kKeptBufferBytes) {
            buffer_.shrink_to_fit();
            ::malloc_trim(0);  // a snapshot is large and rare
        }
        read();
    }

    void write() {
        if (!open_ || closed_ || !writing_.empty()) return;
        if (!queue_.empty()) {
            writing_ = std::move(queue_.front());
            queue_.pop_front();
        } else if (latest_) {
            writing_ = std::move(*latest_);
            latest_.reset();
        } else {
            return;
        }
        ws_.async_write(asio::buffer(writing_), [self = this->shared_from_this()](error_code ec, size_t) {
            self->writing_.clear();
            if (!ec) self->write();
            if (ec) self->shut();  // the read, which is always under way, says why
        });
    }

    void shut() { lowest().close(); }

    void end(const std::string& why) {
        shut();
        notify(why);
    }

    void notify(const std::string& why) {
        if (std::exchange(closed_, true)) return;
        deadline_.cancel();
        resolver_.cancel();
        events_.on_closed(why);
    }

    const LinkOptions options_;
    tcp::resolver resolver_;
    asio::steady_timer deadline_;  // of resolving; what follows has its own
    websocket::stream<Stream> ws_;
    websocket::response_type response_;
    beast::flat_buffer buffer_;
    Events events_;
    std::deque<std::string> queue_;
    std::optional<std::string> latest_;
    std::string writing_;  // not empty: a write is under way
    bool connecting_ = false, open_ = false, closed_ = false;
};

}  // namespace

std::shared_ptr<Link> make_link(asio::io_context& io, LinkOptions options) {
    if (!options.tls) {
        return std::make_shared<WsLink<beast::tcp_stream>>(io, std::move(options), beast::tcp_stream{io});
    }
    TlsStream stream{beast::tcp_stream{io}, *options.tls};
    return std::make_shared<WsLink<TlsStream>>(io, std::move(options), std::move(stream));
}

}  // namespace steelyard::config
