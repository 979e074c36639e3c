#include "sidecar/vip/ready_poller.hpp"

#include <array>
#include <utility>

#include "common/net/asio.hpp"
#include "sidecar/vip/http_answer.hpp"

namespace steelyard::vip {

using boost::asio::ip::tcp;

namespace {

// A server that closes after each answer without saying so is not asked without a pause.
constexpr Milliseconds kLeastGap{20};

}  // namespace

class ReadyPoller::Core : public std::enable_shared_from_this<Core> {
public:
    Core(asio::io_context& io, ReadyUrl url, Times times, Callback callback)
        : socket_(io), interval_(io), timeout_(io), times_(times), callback_(std::move(callback)) {
        asio::ip::address address;
        if (url.ip.family == Family::ipv4) {
            asio::ip::address_v4::bytes_type bytes{};
            std::copy_n(url.ip.bytes.begin(), bytes.size(), bytes.begin());
            address = asio::ip::address_v4(bytes);
        } else {
            address = asio::ip::address_v6(url.ip.bytes);
        }
        endpoint_ = {address, url.port};
        request_ = "GET " + url.path + " HTTP/1.1\r\nHost: " + url.host +
                   "\r\nUser-Agent: steelyard-vip\r\nConnection: keep-alive\r\n\r\n";
    }

    void ask();
    void stop();

private:
    void connect();
    void send(bool kept);
    void read();
    void on_read(const error_code& error, size_t size);
    void on_timeout();
    void decide(bool ready, const std::string& why);
    void again_at(TimePoint when);
    void close();

    tcp::socket socket_;
    asio::steady_timer interval_, timeout_;
    Times times_;
    Callback callback_;
    tcp::endpoint endpoint_;
    std::string request_, answer_;
    std::array<char, 4096> block_{};
    TimePoint asked_{};
    uint64_t round_ = 0;   // of connections: what belongs to a former one is passed over
    bool asking_ = false;  // a request is out
    bool kept_ = false;    // on a connection that has answered before
    bool stopped_ = false;
};

void ReadyPoller::Core::ask() {
    if (stopped_ || asking_) return;
    asking_ = true;
    asked_ = Clock::now();
    answer_.clear();
    timeout_.expires_after(times_.timeout);
    timeout_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->on_timeout();
    });
    if (socket_.is_open()) {
        send(true);
    } else {
        connect();
    }
}

void ReadyPoller::Core::connect() {
    const uint64_t round = ++round_;
    kept_ = false;
    error_code error;
    socket_.open(endpoint_.protocol(), error);
    if (error) return decide(false, "no socket: " + error.message());
    socket_.async_connect(endpoint_, [self = shared_from_this(), round](const error_code& failed) {
        if (round != self->round_ || self->stopped_) return;
        if (failed) return self->decide(false, "no connection: " + failed.message());
        self->read();
        self->send(false);
    });
}

void ReadyPoller::Core::send(bool kept) {
    kept_ = kept;
    error_code error;
    // A request of some hundred octets always fits into the buffer of a socket that has nothing else under way.
    const size_t n = socket_.send(asio::buffer(request_), 0, error);
    if (error || n != request_.size()) on_read(error ? error : asio::error::no_buffer_space, 0);
}

// One read is always under way, so that a connection that ends between two questions is noticed.
void ReadyPoller::Core::read() {
    const uint64_t round = round_;
    socket_.async_read_some(asio::buffer(block_),
                            [self = shared_from_this(), round](const error_code& error, size_t size) {
                                if (round == self->round_ && !self->stopped_) self->on_read(error, size);
                            });
}

void ReadyPoller::Core::on_read(const error_code& error, size_t size) {
    if (error) {
        close();
        if (!asking_) return again_at(asked_ + kLeastGap);
        // A kept connection may have been closed as idle in the moment we asked: a new one decides.
        if (kept_) return connect();
        return decide(false, "no answer: " + error.message());
    }
    if (!asking_) return close();  // nobody has asked: what comes is no answer
    answer_.append(block_.data(), size);
    HttpAnswer answer;
    switch (read_answer(answer_, answer)) {
        case Reading::more:
            return read();
        case Reading::broken:
            close();
            return decide(false, "no HTTP answer");
        case Reading::done:
            break;
    }
    if (answer.keeps && answer.size == answer_.size()) {
        read();
    } else {
        close();
    }
    const bool ready = answer.status / 100 == 2;
    decide(ready, ready ? "" : "status " + std::to_string(answer.status));
}

void ReadyPoller::Core::on_timeout() {
    if (!asking_ || stopped_) return;
    close();
    decide(false, "no answer within " + std::to_string(times_.timeout.count()) + " ms");
}

void ReadyPoller::Core::decide(bool ready, const std::string& why) {
    asking_ = false;
    timeout_.cancel();
    if (!ready) close();
    again_at(Clock::now() + times_.interval);
    callback_(ready, why);
}

void ReadyPoller::Core::again_at(TimePoint when) {
    interval_.expires_at(when);
    interval_.async_wait([self = shared_from_this()](const error_code& error) {
        if (!error) self->ask();
    });
}

void ReadyPoller::Core::close() {
    ++round_;
    error_code ignored;
    socket_.close(ignored);
}

void ReadyPoller::Core::stop() {
    stopped_ = true;
    close();
    interval_.cancel();
    timeout_.cancel();
}

ReadyPoller::ReadyPoller(asio::io_context& io, ReadyUrl url, Times times, Callback callback)
    : core_(std::make_shared<Core>(io, std::move(url), times, std::move(callback))) {}
ReadyPoller::~ReadyPoller() { core_->stop(); }
void ReadyPoller::start() { core_->ask(); }
void ReadyPoller::stop() { core_->stop(); }

}  // namespace steelyard::vip
