#pragma once
// The push server and its clients over loopback, in one io_context that the test itself runs.
#include <gtest/gtest.h>

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/net/asio.hpp"
#include "common/push/codec.hpp"
#include "controller/push/connection.hpp"
#include "controller/push/server.hpp"
#include "sidecar/config/client.hpp"
#include "sidecar/config/link.hpp"

namespace steelyard {

using namespace std::chrono_literals;
using config::ChangeSet;
using config::ClientOptions;
using config::ConfigClient;
using config::ConfigState;
using config::EndpointSlice;
using config::Protocol;
using config::Upstream;
using push::PushCache;
using push::PushServer;
using push::ServerOptions;

inline Upstream upstream(std::string name) { return {std::move(name), Protocol::http, {}, {}}; }
inline EndpointSlice slice(std::string of, uint16_t port, size_t count = 1) {
    return {std::move(of), "1", std::vector<config::Endpoint>(count, {"10.0.0.1", port, 1, "", "", {}})};
}

// A proxy under test: its state, its client, and what it was told.
struct TestProxy {
    TestProxy(asio::io_context& io, uint16_t port, std::string name, std::string instance = "",
              size_t max_frame = 1u << 20) {
        ClientOptions options;
        options.url = {"127.0.0.1", port, "/push"};
        options.name = std::move(name);
        options.instance = std::move(instance);
        options.wants = {"*"};
        options.max_frame = max_frame;
        options.backoff_base = 20ms;
        options.backoff_cap = 50ms;
        client =
            std::make_unique<ConfigClient>(io, options, state, [this](const ChangeSet& c) { changes.push_back(c); });
    }
    config::ClientStats stats() const { return client->stats(); }
    uint16_t port_of(const std::string& name) const {
        const auto view = state.find(name);
        return view.slices == nullptr || view.slices->empty() ? 0 : view.slices->begin()->second->endpoints.at(0).port;
    }

    ConfigState state;
    std::vector<ChangeSet> changes;
    std::unique_ptr<ConfigClient> client;
};

class PushEndToEnd : public ::testing::Test {
protected:
    ~PushEndToEnd() override {
        if (server_) server_->stop();
        io_.restart();
        io_.run_for(50ms);
    }
    template <class P>
    ::testing::AssertionResult soon(P predicate, Milliseconds within = 5000ms) {
        const auto until = Clock::now() + within;
        while (!predicate()) {
            if (Clock::now() > until) return ::testing::AssertionFailure() << "it did not come about";
            io_.restart();
            io_.run_one_for(5ms);
        }
        return ::testing::AssertionSuccess();
    }
    void start(ServerOptions options = {}, bool ready = true, uint16_t port = 0) {
        options.address = "127.0.0.1";
        options.port = port;
        server_ = std::make_unique<PushServer>(io_, options, *cache_);
        const auto started = server_->start();
        ASSERT_TRUE(started) << started.error().to_string();
        if (ready) server_->set_ready();
        io_.poll();
    }
    uint16_t stop_server() {
        const uint16_t port = server_->port();
        server_->stop();
        EXPECT_TRUE(soon([&] { return server_->stats().connections == 0; }));
        server_.reset();
        return port;
    }
    TestProxy& proxy(std::string name, std::string instance = "", size_t max_frame = 1u << 20) {
        proxies_.push_back(
            std::make_unique<TestProxy>(io_, server_->port(), std::move(name), std::move(instance), max_frame));
        proxies_.back()->client->start();
        return *proxies_.back();
    }
    // A WebSocket that says what it is told to; a proxy written by hand.
    struct RawPeer {
        std::shared_ptr<config::Link> link;
        std::vector<std::string> heard;
        bool open = false, closed = false;
    };
    std::shared_ptr<RawPeer> raw_peer(std::string path = "/push") {
        auto peer = std::make_shared<RawPeer>();
        peer->link = config::make_link(
            io_, {{"127.0.0.1", server_->port(), std::move(path)}, 1u << 20, 2000ms, 2000ms, nullptr, {}});
        const auto with = [weak = std::weak_ptr<RawPeer>(peer)](auto change) {
            if (const auto self = weak.lock()) change(*self);
        };
        peer->link->start({[with] { with([](RawPeer& p) { p.open = true; }); },
                           [with](std::string_view t) { with([&](RawPeer& p) { p.heard.emplace_back(t); }); },
                           [with](const std::string&) { with([](RawPeer& p) { p.closed = true; }); }});
        EXPECT_TRUE(soon([&] { return peer->open || peer->closed; }));
        return peer;
    }
    static std::string hello(std::string name, std::string instance = "i") {
        push::Hello hello;
        hello.name = std::move(name);
        hello.instance = std::move(instance);
        hello.wants = {"*"};
        return push::encode(hello);
    }
    // Sends bytes over plain TCP and returns all that comes back until the server closes.
    std::string raw_tcp(std::string bytes) {
        asio::ip::tcp::socket socket{io_};
        socket.connect({asio::ip::make_address("127.0.0.1"), server_->port()});
        EXPECT_EQ(socket.send(asio::buffer(bytes)), bytes.size());
        std::string answer;
        std::array<char, 4096> chunk;
        bool done = false;
        std::function<void()> read = [&] {
            socket.async_read_some(asio::buffer(chunk), [&](error_code ec, size_t n) {
                answer.append(chunk.data(), n);
                if (ec) {
                    done = true;
                } else {
                    read();
                }
            });
        };
        read();
        EXPECT_TRUE(soon([&] { return done; }));
        return answer;
    }

    asio::io_context io_;
    std::unique_ptr<PushCache> cache_ = std::make_unique<PushCache>("e1");
    std::unique_ptr<PushServer> server_;
    std::vector<std::unique_ptr<TestProxy>> proxies_;
};

}  // namespace steelyard
