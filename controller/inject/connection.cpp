// One connection of the webhook's listener. The only user of Beast's TLS stream here.
#include <boost/asio/ssl/context.hpp>
#include <boost/beast/ssl/ssl_stream.hpp>

#include "common/net/beast.hpp"
#include "controller/inject/server_core.hpp"

namespace steelyard::inject {
namespace {

namespace http = beast::http;
using tcp = asio::ip::tcp;
using Request = http::request_parser<http::string_body>;

class TlsConnection final : public Connection, public std::enable_shared_from_this<TlsConnection> {
public:
    TlsConnection(std::shared_ptr<Server::Core> core, uint64_t id, tcp::socket socket,
                  std::shared_ptr<asio::ssl::context> tls)
        : core_(std::move(core)), id_(id), tls_(std::move(tls)), stream_(std::move(socket), *tls_) {}
    ~TlsConnection() override {
        core_->release(reserved_);
        core_->ended(id_);
    }

    void run() override {
        idle_since_ = Clock::now();
        lowest().expires_after(core_->limits.handshake);
        stream_.async_handshake(asio::ssl::stream_base::server, [self = shared_from_this()](error_code error) {
            if (error) return self->core_->count_refused(error == beast::error::timeout ? "timeout" : "handshake");
            self->wait_for_request();
        });
    }
    void close() override {
        idle_since_.reset();
        lowest().close();
    }
    std::optional<TimePoint> idle_since() const override { return idle_since_; }
    bool known() const override { return known_; }

private:
    beast::tcp_stream& lowest() { return beast::get_lowest_layer(stream_); }

    // Silence between requests is allowed for long, silence within one is not.
    void wait_for_request() {
        if (core_->stopping) return close();
        if (buffer_.size() != 0) return read_head();
        idle_since_ = Clock::now();
        core_->accept();  // newcomers may have waited for somebody to be idle
        lowest().expires_after(core_->limits.idle);
        stream_.async_read_some(buffer_.prepare(4096), [self = shared_from_this()](error_code error, size_t bytes) {
            if (error) return;
            self->buffer_.commit(bytes);
            self->read_head();
        });
    }

    void read_head() {
        parser_.emplace();
        parser_->header_limit(core_->limits.head_bytes);
        parser_->body_limit(core_->limits.body_bytes);
        lowest().expires_after(core_->limits.head);
        http::async_read_header(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
            if (error) return self->bad_request(error);
            self->on_head();
        });
    }

    void on_head() {
        idle_since_.reset();
        known_ = true;
        {
            const std::lock_guard lock(core_->mutex);
            ++core_->stats.requests;
        }
        const auto& head = parser_->get();
        const std::string_view target(head.target().data(), head.target().size());
        const std::string_view path = target.substr(0, target.find('?'));
        if (path == "/healthz" && (head.method() == http::verb::get || head.method() == http::verb::head))
            return respond(200, "ok\n");
        if (path != "/inject") return refuse("not_found", 404, "404 known paths: /inject /healthz\n");
        if (head.method() != http::verb::post) return refuse("bad_request", 405, "405 use POST\n");
        const auto type = head[http::field::content_type];
        if (!type.starts_with("application/json"))
            return refuse("bad_request", 415, "415 send an AdmissionReview as application/json\n");
        const auto length = parser_->content_length();
        if (!length) return refuse("bad_request", 411, "411 a Content-Length is needed\n");
        if (!core_->reserve(*length)) return refuse("busy", 503, "503 too many requests at once\n");
        reserved_ = *length;
        lowest().expires_after(core_->limits.body);
        http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
            if (error) return self->bad_request(error);
            auto answer = self->core_->handler(self->parser_->get().body());
            const bool ok = answer.status == 200;
            self->respond(answer.status, std::move(answer.body), ok ? "application/json" : kText, true);
        });
    }

    void bad_request(error_code error) {
        if (error == http::error::body_limit)
            return refuse("too_large", 413,
                          "413 the body is larger than " + std::to_string(core_->limits.body_bytes) + " bytes\n");
        if (error == http::error::header_limit) return refuse("too_large", 431, "431 the head is too large\n");
        if (error == beast::error::timeout) return core_->count_refused("timeout");
        if (error.category() != http::make_error_code(http::error::bad_method).category()) return;
        if (error == http::error::end_of_stream || error == http::error::partial_message) return;
        refuse("bad_request", 400, "400 " + error.message() + "\n");
    }

    // What is left of the request is not read: the connection ends with the answer.
    void refuse(const char* reason, unsigned status, std::string body) {
        core_->count_refused(reason);
        respond(status, std::move(body), kText, false);
    }

    static constexpr const char* kText = "text/plain; charset=utf-8";

    void respond(unsigned status, std::string body, const char* type = kText, bool whole = true) {
        const auto& request = parser_->get();
        const bool keep_alive = whole && parser_->is_done() && request.keep_alive() && !core_->stopping;
        const bool head = request.method() == http::verb::head;
        response_.emplace(static_cast<http::status>(status), 11U);
        response_->set(http::field::server, "steelyard");
        response_->set(http::field::content_type, type);
        response_->keep_alive(keep_alive);
        response_->content_length(body.size());
        if (!head) response_->body() = std::move(body);
        core_->release(reserved_);
        reserved_ = 0;
        parser_.reset();
        lowest().expires_after(core_->limits.write);
        http::async_write(stream_, *response_, [self = shared_from_this(), keep_alive](error_code error, size_t) {
            if (error) return;
            if (keep_alive) return self->wait_for_request();
            self->shut_down();
        });
    }

    void shut_down() {
        lowest().expires_after(core_->limits.handshake);
        stream_.async_shutdown([self = shared_from_this()](error_code) { self->close(); });
    }

    std::shared_ptr<Server::Core> core_;
    const uint64_t id_;
    std::shared_ptr<asio::ssl::context> tls_;  // lives as long as the stream that was made with it
    beast::ssl_stream<beast::tcp_stream> stream_;
    beast::flat_buffer buffer_;
    std::optional<Request> parser_;
    std::optional<http::response<http::string_body>> response_;
    std::optional<TimePoint> idle_since_;  // set from the handshake, or the last answer, to the end of the next head
    bool known_ = false;
    uint64_t reserved_ = 0;
};

}  // namespace

std::shared_ptr<Connection> Connection::make(std::shared_ptr<Server::Core> core, uint64_t id, tcp::socket socket,
                                             std::shared_ptr<asio::ssl::context> tls) {
    return std::make_shared<TlsConnection>(std::move(core), id, std::move(socket), std::move(tls));
}

}  // namespace steelyard::inject
