#include "sidecar/health/probe.hpp"

#include <utility>

#include "common/clock.hpp"

namespace steelyard::health {

namespace {

using boost::asio::ip::tcp;

std::string authority_of(const tcp::endpoint& endpoint) {
    const std::string address = endpoint.address().to_string();
    const std::string port = std::to_string(endpoint.port());
    return endpoint.address().is_v6() ? "[" + address + "]:" + port : address + ":" + port;
}

// Our own shortage, not the endpoint's fault: without this, a proxy out of descriptors would take every host down.
bool is_ours(const error_code& error) {
    namespace errc = boost::system::errc;
    return error == errc::too_many_files_open || error == errc::too_many_files_open_in_system ||
           error == errc::no_buffer_space || error == errc::not_enough_memory || error == errc::address_not_available ||
           error == errc::resource_unavailable_try_again;
}

}  // namespace

Probe::Probe(asio::io_context& io, std::shared_ptr<const config::HealthCheck> check, std::string preface)
    : socket_(io), timer_(io), check_(std::move(check)), request_(std::move(preface)) {}

void Probe::start(const tcp::endpoint& endpoint, Callbacks callbacks) {
    callbacks_ = std::move(callbacks);
    timer_.expires_after(Milliseconds(check_->timeout_ms));
    timer_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->on_timeout();
    });
    error_code error;
    socket_.open(endpoint.protocol(), error);
    if (error) {
        asio::post(socket_.get_executor(),
                   [self = shared_from_this(), error] { self->fail("opening a socket", error); });
        return;
    }
    socket_.async_connect(endpoint, [self = shared_from_this(), endpoint](const error_code& result) {
        self->on_connected(result, endpoint);
    });
}

void Probe::cancel() {
    callbacks_ = {};
    decided_ = true;
    close();
}

void Probe::on_connected(const error_code& error, const tcp::endpoint& endpoint) {
    if (closed_) return;
    if (error) return fail("connecting", error);
    error_code ignored;
    if (socket_.local_endpoint(ignored) == endpoint) {
        // On loopback a connect to a port that nobody listens on can be given that port as its own, and meets itself.
        return decide(Verdict::failed, "connecting: nobody listens");
    }
    if (check_->type == config::HealthCheck::Type::http)
        request_ += http_check_request(*check_, authority_of(endpoint));
    if (request_.empty()) return decide(Verdict::ok, {});
    send();
}

void Probe::send() {
    doing_ = "sending the request";
    socket_.async_write_some(asio::buffer(request_.data() + sent_, request_.size() - sent_),
                             [self = shared_from_this()](const error_code& error, size_t bytes) {
                                 if (self->closed_) return;
                                 if (error) return self->fail("sending the request", error);
                                 self->sent_ += bytes;
                                 if (self->sent_ < self->request_.size()) return self->send();
                                 if (self->check_->type == config::HealthCheck::Type::http) return self->receive();
                                 self->decide(Verdict::ok, {});
                             });
}

void Probe::receive() {
    doing_ = "waiting for the status line";
    const size_t at = decided_ ? 0 : received_;  // after the verdict what comes is overwritten
    socket_.async_read_some(asio::buffer(answer_.data() + at, answer_.size() - at),
                            [self = shared_from_this()](const error_code& error, size_t bytes) {
                                if (!self->closed_) self->on_received(error, bytes);
                            });
}

void Probe::on_received(const error_code& error, size_t bytes) {
    if (decided_) return error ? close() : read_rest(bytes);
    if (error) return fail("waiting for the status line", error);
    received_ += bytes;
    const StatusLine line = read_status_line({answer_.data(), received_});
    switch (line.outcome) {
        case StatusLine::Outcome::incomplete:
            return receive();
        case StatusLine::Outcome::garbage:
            return decide(Verdict::failed, "the answer does not begin with an HTTP/1 status line");
        case StatusLine::Outcome::status:
            break;
    }
    if (is_expected(check_->expected, line.status)) return decide(Verdict::ok, {});
    decide(Verdict::failed, "status " + std::to_string(line.status) + ", expected " + describe(check_->expected));
}

void Probe::read_rest(size_t bytes) {
    received_ += bytes;
    received_ < kMaxRest ? receive() : close();
}

void Probe::on_timeout() {
    if (closed_) return;
    if (decided_) return close();
    decide(Verdict::failed, "timed out after " + std::to_string(check_->timeout_ms) + " ms " + doing_);
}

void Probe::fail(const char* doing, const error_code& error) {
    if (closed_) return;
    const bool ended = error == boost::asio::error::eof;
    decide(is_ours(error) ? Verdict::inconclusive : Verdict::failed,
           std::string(doing) + ": " + (ended ? "the connection was closed" : error.message()));
}

// Gives the verdict; after an HTTP status goes on to read the rest, else closes.
void Probe::decide(Verdict verdict, const std::string& reason) {
    decided_ = true;
    const bool rest = check_->type == config::HealthCheck::Type::http && verdict == Verdict::ok;
    const auto keep = shared_from_this();
    if (const auto tell = std::move(callbacks_.on_verdict)) tell(verdict, reason);
    if (closed_) return;  // cancelled by the callback
    rest ? receive() : close();
}

void Probe::close() {
    if (closed_) return;
    closed_ = true;
    error_code ignored;
    socket_.close(ignored);
    timer_.cancel(ignored);
    if (const auto tell = std::move(callbacks_.on_closed)) tell();
}

}  // namespace steelyard::health
