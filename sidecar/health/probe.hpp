#pragma once
// One probe of one endpoint: connects, for an HTTP check asks and reads the status line, gives its verdict once, and closes. The
// whole exchange, connecting included, has the check's timeout. Runs on the io_context's one thread; I/O keeps it alive.
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/config/model.hpp"
#include "common/net/asio.hpp"
#include "sidecar/health/http_check.hpp"

namespace steelyard::health {

class Probe final : public std::enable_shared_from_this<Probe> {
public:
    // inconclusive: something here failed (no descriptor, no port, no memory), nothing is said of the endpoint.
    enum class Verdict : uint8_t { ok, failed, inconclusive };

    struct Callbacks {
        // Once, never from within start(). `reason` is for people, empty when ok.
        std::function<void(Verdict verdict, const std::string& reason)> on_verdict;
        // Once, after the verdict: the socket is closed. Between the two the rest of an HTTP answer is read (so that the server
        // is not reset), at most kMaxRest bytes and within the timeout.
        std::function<void()> on_closed;
    };
    static constexpr size_t kMaxRest = 65'536;

    // `preface` is sent first of all, whatever the check's type; empty: nothing.
    Probe(asio::io_context& io, std::shared_ptr<const config::HealthCheck> check, std::string preface = {});

    void start(const asio::ip::tcp::endpoint& endpoint, Callbacks callbacks);
    // Closes and calls back nothing any more. May be called from a callback.
    void cancel();

private:
    void on_connected(const error_code& error, const asio::ip::tcp::endpoint& endpoint);
    void send();
    void receive();
    void on_received(const error_code& error, size_t bytes);
    void read_rest(size_t bytes);
    void on_timeout();
    void decide(Verdict verdict, const std::string& reason);
    void fail(const char* doing, const error_code& error);
    void close();

    asio::ip::tcp::socket socket_;
    asio::steady_timer timer_;
    Callbacks callbacks_;
    std::shared_ptr<const config::HealthCheck> check_;
    std::string request_;
    size_t sent_ = 0;
    std::array<char, kMaxStatusLine> answer_{};
    size_t received_ = 0;
    const char* doing_ = "connecting";
    bool decided_ = false;
    bool closed_ = false;
};

}  // namespace steelyard::health
