#include "sidecar/vip/ready_poller.hpp"

#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "common/net/asio.hpp"

namespace steelyard::vip {
namespace {

using boost::asio::ip::tcp;

constexpr const char* kReady = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nready\n";
constexpr const char* kNotReady = "HTTP/1.1 503 X\r\nContent-Length: 3\r\n\r\nno\n";

// A proxy's admin listener, in the same io_context; `answer` empty: it keeps silent.
class Proxy {
public:
    explicit Proxy(asio::io_context& io) : io_(io) { listen(); }

    void listen() {
        acceptor_ = std::make_unique<tcp::acceptor>(io_, tcp::endpoint(asio::ip::address_v4::loopback(), port));
        port = acceptor_->local_endpoint().port();
        accept();
    }
    void die() {
        acceptor_.reset();
        connections_.clear();
    }
    void close_connections() { connections_.clear(); }

    std::string answer = kReady;
    bool closes = false;
    uint16_t port = 0;
    size_t accepted = 0, asked = 0;

private:
    struct Connection : std::enable_shared_from_this<Connection> {
        Connection(Proxy& of, tcp::socket accepted) : proxy(of), socket(std::move(accepted)) {}
        ~Connection() = default;
        void read() {
            socket.async_read_some(asio::buffer(block), [weak = weak_from_this()](const error_code& error, size_t) {
                const auto self = weak.lock();
                if (error || !self) return;
                ++self->proxy.asked;
                error_code ignored;
                self->socket.send(asio::buffer(self->proxy.answer), 0, ignored);
                if (self->proxy.closes) return self->socket.close();
                self->read();
            });
        }
        Proxy& proxy;
        tcp::socket socket;
        std::array<char, 1024> block{};
    };
    void accept() {
        acceptor_->async_accept([this](const error_code& error, tcp::socket socket) {
            if (error) return;
            ++accepted;
            connections_.push_back(std::make_shared<Connection>(*this, std::move(socket)));
            connections_.back()->read();
            accept();
        });
    }
    asio::io_context& io_;
    std::unique_ptr<tcp::acceptor> acceptor_;
    std::vector<std::shared_ptr<Connection>> connections_;
};

struct ReadyPollerAtAProxy : testing::Test {
    ReadyPollerAtAProxy()
        : proxy(io),
          poller(io, ReadyUrl{*Ip::parse("127.0.0.1"), proxy.port, "/readyz", "127.0.0.1"}, times(),
                 [this](bool ready, const std::string& why) { heard.emplace_back(ready, why); }) {}

    static ReadyPoller::Times times() { return {Milliseconds{10}, Milliseconds{200}}; }

    // Runs until the next answer of the poller that is (not) ready.
    std::string until(bool ready) {
        const TimePoint end = Clock::now() + std::chrono::seconds(30);
        while (Clock::now() < end) {
            io.run_one_for(Milliseconds{100});
            for (; seen < heard.size(); ++seen) {
                if (heard[seen].first == ready) return heard[seen++].second;
            }
        }
        ADD_FAILURE() << "never " << (ready ? "ready" : "not ready");
        return {};
    }

    asio::io_context io;
    Proxy proxy;
    std::vector<std::pair<bool, std::string>> heard;
    size_t seen = 0;
    ReadyPoller poller;
};

TEST_F(ReadyPollerAtAProxy, AsksAgainAndAgainOverOneConnection) {
    poller.start();
    for (int i = 0; i < 10; ++i) until(true);
    EXPECT_EQ(proxy.accepted, 1U);
    EXPECT_GE(proxy.asked, 10U);
}

TEST_F(ReadyPollerAtAProxy, FollowsTheStatus) {
    poller.start();
    until(true);
    proxy.answer = kNotReady;
    EXPECT_EQ(until(false), "status 503");
    proxy.answer = kReady;
    until(true);
}

TEST_F(ReadyPollerAtAProxy, SeesAProxyThatIsGoneAndOneThatComesBack) {
    poller.start();
    until(true);
    proxy.die();
    EXPECT_NE(until(false).find("no connection"), std::string::npos);
    proxy.listen();
    until(true);
}

TEST_F(ReadyPollerAtAProxy, AConnectionThatIsClosedAsIdleIsNoFailure) {
    poller.start();
    for (int i = 0; i < 5; ++i) {
        until(true);
        proxy.close_connections();
    }
    until(true);
    for (const auto& [ready, why] : heard) EXPECT_TRUE(ready) << why;
    EXPECT_GE(proxy.accepted, 5U);
}

TEST_F(ReadyPollerAtAProxy, AServerThatAlwaysClosesIsAskedAllTheSame) {
    proxy.closes = true;
    poller.start();
    for (int i = 0; i < 5; ++i) until(true);
    for (const auto& [ready, why] : heard) EXPECT_TRUE(ready) << why;
}

TEST_F(ReadyPollerAtAProxy, SilenceIsNotReady) {
    proxy.answer.clear();
    poller.start();
    EXPECT_EQ(until(false), "no answer within 200 ms");
    proxy.answer = kReady;
    until(true);
}

TEST_F(ReadyPollerAtAProxy, WhatIsNoHttpIsNotReady) {
    proxy.answer = "hello\r\n\r\n";
    poller.start();
    EXPECT_EQ(until(false), "no HTTP answer");
    poller.stop();
    io.run_for(Milliseconds{100});
    const size_t before = heard.size();
    io.run_for(Milliseconds{100});
    EXPECT_EQ(heard.size(), before) << "stopped is stopped";
}

}  // namespace
}  // namespace steelyard::vip
