// The server's end of a WebSocket, on Beast. Compiles slowly: nothing else belongs here.
#include <array>
#include <optional>
#include <type_traits>

#include "common/net/asio.hpp"
#include "common/net/beast.hpp"
#include "common/net/beast_tls.hpp"
#include "controller/push/connection.hpp"

namespace steelyard::push {
namespace {

constexpr uint32_t kMaxHeaderBytes = 8192;
constexpr size_t kKeptBufferBytes = 64u << 10;  // a large hello's buffer is not kept for the acks that follow it
namespace http = http_message;

// Stream: beast::tcp_stream or TlsStream.
template <class Stream>
class WsConnection final : public Connection, public std::enable_shared_from_this<WsConnection<Stream>> {
public:
    WsConnection(Stream&& stream, std::string address, const ConnectionOptions& options,
                 std::shared_ptr<ssl::context> tls)
        : options_(options),
          tls_(std::move(tls)),
          ws_(std::move(stream)),
          buffer_(options.max_message + kMaxHeaderBytes) {
        peer_.address = std::move(address);
    }

    void start(Events events) override {
        events_ = std::move(events);
        lowest().expires_after(options_.handshake_timeout);  // for all until the request is in
        if constexpr (kTls) {
            ws_.next_layer().async_handshake(ssl::stream_base::server,
                                             [self = this->shared_from_this()](error_code ec) {
                                                 if (ec) return self->end("no TLS hand-shake: " + ec.message());
                                                 self->read_request();
                                             });
        } else {
            read_request();
        }
    }

    void accept() override {
        if (!waiting_ || closed_) return;
        waiting_ = false;
        websocket::stream_base::timeout timeouts{};
        timeouts.handshake_timeout = options_.handshake_timeout;
        timeouts.idle_timeout = options_.idle_timeout;
        timeouts.keep_alive_pings = true;
        ws_.set_option(timeouts);
        ws_.read_message_max(options_.max_message);
        ws_.auto_fragment(false);  // a frame goes out as it is, without being copied piece by piece
        ws_.text(true);
        ws_.async_accept(parser_->get(),
                         [self = this->shared_from_this()](error_code failure) { self->on_accept(failure); });
    }

    void refuse(unsigned status, std::string_view text) override {
        if (!waiting_ || closed_) return;
        waiting_ = false;
        stage_ = Stage::refused;
        lowest().expires_after(options_.handshake_timeout);
        answer(static_cast<http::status>(status), text);
    }

    void send_note(Note kind, Frame note) override {
        if (closing_) return;
        notes_[static_cast<size_t>(kind)] = std::move(note);
        write();
    }

    void send(Frame frame) override {
        if (closing_) return;
        next_ = std::move(frame);
        write();
    }

    void close(std::string last) override {
        if (closing_ || closed_) return;
        closing_ = true;
        notes_ = {};
        next_.reset();
        if (!last.empty()) last_ = std::make_shared<const std::string>(std::move(last));
        if (!open_) return abort();
        write();
    }

    void abort() override {
        lowest().close();  // the operation that is under way ends with an error: end() follows
        if (waiting_) {
            asio::post(ws_.get_executor(), [self = this->shared_from_this()] { self->end("cut off"); });
        }
    }

private:
    static constexpr bool kTls = std::is_same_v<Stream, TlsStream>;

    auto& lowest() { return beast::get_lowest_layer(ws_); }

    void read_request() {
        stage_ = Stage::http;
        parser_.emplace();
        parser_->header_limit(kMaxHeaderBytes);
        parser_->body_limit(0);
        http::async_read(ws_.next_layer(), buffer_, *parser_,
                         [self = this->shared_from_this()](error_code ec, size_t) { self->on_request(ec); });
    }

    void on_request(error_code ec) {
        if (ec) return end("no HTTP request: " + ec.message());
        const auto& request = parser_->get();
        if (buffer_.size() != 0 || !websocket::is_upgrade(request)) {
            return answer(http::status::upgrade_required, "this is a WebSocket: see docs/push-protocol.md\n");
        }
        const std::string_view target{request.target().data(), request.target().size()};
        if (target != kPath && target != "/") {
            return answer(http::status::not_found, "the push protocol is at /push\n");
        }
        const auto authorization = request[http::field::authorization];
        peer_.authorization.assign(authorization.data(), authorization.size());
        lowest().expires_never();  // the WebSocket has time-outs of its own, the verdict has the server's
        waiting_ = true;
        Peer peer = std::move(peer_);
        events_.on_request(peer);
    }

    void answer(http::status status, std::string_view text) {
        response_.emplace(status, 11);
        response_->set(http::field::connection, "close");
        if (status == http::status::unauthorized) response_->set(http::field::www_authenticate, "Bearer");
        if (status == http::status::service_unavailable) response_->set(http::field::retry_after, "1");
        if (status == http::status::upgrade_required) response_->set(http::field::upgrade, "websocket");
        response_->body() = text;
        response_->prepare_payload();
        http::async_write(ws_.next_layer(), *response_, [self = this->shared_from_this()](error_code, size_t) {
            self->lowest().close();
            self->end("not a WebSocket for the push protocol");
        });
    }

    void on_accept(error_code ec) {
        parser_.reset();
        if (ec) return end("no WebSocket hand-shake: " + ec.message());
        open_ = true;
        stage_ = Stage::open;
        events_.on_open();
        read();
    }

    void read() {
        ws_.async_read(buffer_, [self = this->shared_from_this()](error_code ec, size_t) { self->on_read(ec); });
    }

    void on_read(error_code ec) {
        if (ec) return end(ec == websocket::error::closed ? "closed by the peer" : ec.message());
        if (!closing_) {
            if (!ws_.got_text()) {
                close({});
            } else {
                const auto data = buffer_.data();
                events_.on_message({static_cast<const char*>(data.data()), data.size()});
            }
        }
        buffer_.consume(buffer_.size());
        if (buffer_.capacity() > kKeptBufferBytes) buffer_.shrink_to_fit();
        read();
    }

    void write() {
        if (writing_ || !open_) return;
        writing_.reset();
        for (Frame* waiting : {&notes_[0], &notes_[1], &notes_[2], &next_, &last_}) {
            if (!writing_) writing_ = std::exchange(*waiting, nullptr);
        }
        if (!writing_) {
            if (closing_) say_goodbye();
            return;
        }
        ws_.async_write(asio::buffer(*writing_), [self = this->shared_from_this()](error_code ec, size_t) {
            self->writing_.reset();
            if (!ec) self->write();
            // A failed write is noticed by the read, which is always under way.
            if (ec) self->lowest().close();
        });
    }

    void say_goodbye() {
        if (std::exchange(said_goodbye_, true)) return;
        ws_.async_close(websocket::close_code::policy_error,
                        [self = this->shared_from_this()](error_code) { self->lowest().close(); });
    }

    void end(const std::string& why) {
        if (std::exchange(closed_, true)) return;
        lowest().close();
        open_ = false;
        waiting_ = false;
        if (events_.on_closed) events_.on_closed(stage_, why);
    }

    const ConnectionOptions options_;
    const std::shared_ptr<ssl::context> tls_;  // outlives the stream
    websocket::stream<Stream> ws_;
    beast::flat_buffer buffer_;
    std::optional<http::request_parser<http::empty_body>> parser_;
    std::optional<http::response<http::string_body>> response_;
    Events events_;
    Peer peer_;
    Stage stage_ = Stage::tls;
    Frame writing_, next_, last_;
    std::array<Frame, 3> notes_;
    bool waiting_ = false;  // for accept() or refuse(): nothing is under way
    bool open_ = false, closing_ = false, said_goodbye_ = false, closed_ = false;
};

}  // namespace

std::shared_ptr<Connection> make_connection(asio::ip::tcp::socket socket, const ConnectionOptions& options,
                                            std::shared_ptr<ssl::context> tls) {
    error_code ignored;
    socket.set_option(asio::ip::tcp::no_delay(true), ignored);
    const auto peer = socket.remote_endpoint(ignored);
    const std::string host = peer.address().to_string();
    std::string address = (peer.address().is_v6() ? "[" + host + "]" : host) + ":" + std::to_string(peer.port());
    if (!tls) {
        return std::make_shared<WsConnection<beast::tcp_stream>>(beast::tcp_stream{std::move(socket)},
                                                                 std::move(address), options, nullptr);
    }
    TlsStream stream{beast::tcp_stream{std::move(socket)}, *tls};
    return std::make_shared<WsConnection<TlsStream>>(std::move(stream), std::move(address), options, std::move(tls));
}

}  // namespace steelyard::push
