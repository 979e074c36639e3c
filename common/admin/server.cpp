#include "common/admin/server.hpp"

#include <boost/beast/core.hpp>
#include <boost/beast/http.hpp>
#include <charconv>
#include <optional>

#include "common/log.hpp"
#include "common/net/asio.hpp"

namespace steelyard::admin {
namespace {

namespace beast = boost::beast;
namespace http = beast::http;
using tcp = asio::ip::tcp;

constexpr size_t kMaxConnections = 128;
constexpr uint32_t kMaxHead = 8 * 1024;
constexpr uint64_t kMaxBody = 64u << 10;
constexpr std::chrono::seconds kTimeout{10};

}  // namespace

struct Server::Core : std::enable_shared_from_this<Server::Core> {
    explicit Core(asio::io_context& io) : acceptor(io) {}

    void accept();
    Response respond(const http::request<http::string_body>& request);

    tcp::acceptor acceptor;
    std::map<std::pair<std::string, std::string>, Handler> handlers;  // (path, method)
    size_t connections = 0;
};

namespace {

// One connection: reads a request, answers, until the client leaves or is silent for too long.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    using Responder = std::function<Response(const http::request<http::string_body>&)>;
    Connection(tcp::socket socket, Responder responder, std::function<void()> on_end)
        : stream_(std::move(socket)), responder_(std::move(responder)), on_end_(std::move(on_end)) {}
    ~Connection() { on_end_(); }

    void read() {
        parser_.emplace();
        parser_->header_limit(kMaxHead);
        parser_->body_limit(kMaxBody);
        stream_.expires_after(kTimeout);
        http::async_read(stream_, buffer_, *parser_, [self = shared_from_this()](error_code error, size_t) {
            if (error == http::error::end_of_stream) return self->close();
            if (error && error.category() != http::make_error_code(http::error::bad_method).category()) return;
            if (error)
                return self->write({400, "text/plain; charset=utf-8", "400 " + error.message() + "\n"}, 11, false,
                                   false);
            const auto& request = self->parser_->get();
            self->write(self->responder_(request), request.version(), request.keep_alive(),
                        request.method() == http::verb::head);
        });
    }

private:
    void write(Response answer, unsigned version, bool keep_alive, bool head) {
        response_.emplace(static_cast<http::status>(answer.status), version);
        response_->set(http::field::server, "steelyard");
        response_->set(http::field::content_type, answer.content_type);
        response_->keep_alive(keep_alive);
        response_->content_length(answer.body.size());
        if (!head) response_->body() = std::move(answer.body);
        stream_.expires_after(kTimeout);
        http::async_write(stream_, *response_, [self = shared_from_this(), keep_alive](error_code error, size_t) {
            if (error) return;
            if (!keep_alive) return self->close();
            self->read();
        });
    }
    void close() {
        error_code ignored;
        stream_.socket().shutdown(tcp::socket::shutdown_send, ignored);
    }

    beast::tcp_stream stream_;
    beast::flat_buffer buffer_;
    Responder responder_;
    std::function<void()> on_end_;
    std::optional<http::request_parser<http::string_body>> parser_;
    std::optional<http::response<http::string_body>> response_;
};

}  // namespace

void Server::Core::accept() {
    acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
        if (!self->acceptor.is_open()) return;
        if (!error && self->connections < kMaxConnections) {
            ++self->connections;
            std::make_shared<Connection>(
                std::move(socket), [self](const auto& request) { return self->respond(request); },
                [self] { --self->connections; })
                ->read();
        }
        self->accept();
    });
}

Response Server::Core::respond(const http::request<http::string_body>& request) {
    const std::string_view target(request.target().data(), request.target().size());
    const std::string path(target.substr(0, target.find('?')));
    std::string method(request.method_string());
    if (method == "HEAD") method = "GET";
    if (const auto found = handlers.find({path, method}); found != handlers.end()) {
        try {
            return found->second();
        } catch (const std::exception& e) {
            return {500, "text/plain; charset=utf-8", std::string("500 ") + e.what() + "\n"};
        }
    }
    const auto same_path = handlers.lower_bound({path, ""});
    if (same_path != handlers.end() && same_path->first.first == path) {
        return {405, "text/plain; charset=utf-8", "405 use " + same_path->first.second + "\n"};
    }
    std::string known = "404 known paths:";
    for (const auto& [key, handler] : handlers) known += ' ' + key.first;
    return {404, "text/plain; charset=utf-8", known + "\n"};
}

Result<std::pair<std::string, uint16_t>> parse_listen(std::string_view text) {
    const size_t colon = text.rfind(':');
    if (colon == std::string_view::npos) return Error{"", "'" + std::string(text) + "' is not ADDRESS:PORT"};
    std::string_view ip = text.substr(0, colon);
    if (ip.size() >= 2 && ip.front() == '[' && ip.back() == ']') ip = ip.substr(1, ip.size() - 2);
    if (ip.empty()) ip = "0.0.0.0";
    error_code error;
    asio::ip::make_address(std::string(ip), error);
    if (error) return Error{"", "'" + std::string(ip) + "' is not an IP address"};
    const std::string_view digits = text.substr(colon + 1);
    uint16_t port = 0;
    const auto [end, parsed] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (parsed != std::errc{} || end != digits.data() + digits.size()) {
        return Error{"", "'" + std::string(digits) + "' is not a port (0-65535)"};
    }
    return std::pair(std::string(ip), port);
}

Server::Server(asio::io_context& io) : core_(std::make_shared<Core>(io)) {}
Server::~Server() { stop(); }

void Server::handle(std::string method, std::string path, Handler handler) {
    core_->handlers[{std::move(path), std::move(method)}] = std::move(handler);
}

Result<void> Server::start(const std::string& ip, uint16_t port) {
    error_code error;
    const auto address = asio::ip::make_address(ip, error);
    const tcp::endpoint endpoint(address, port);
    if (!error) core_->acceptor.open(endpoint.protocol(), error);
    if (!error) core_->acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) core_->acceptor.bind(endpoint, error);
    if (!error) core_->acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) return Error{"admin listener " + ip + ":" + std::to_string(port), error.message()};
    const bool v6 = address.is_v6();
    log::info("admin listening on {}{}{}:{}", v6 ? "[" : "", ip, v6 ? "]" : "", this->port());
    core_->accept();
    return {};
}

uint16_t Server::port() const {
    error_code error;
    return core_->acceptor.local_endpoint(error).port();
}

void Server::stop() {
    error_code ignored;
    core_->acceptor.close(ignored);
}

}  // namespace steelyard::admin
