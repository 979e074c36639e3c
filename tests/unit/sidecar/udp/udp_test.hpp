#pragma once
// A worker with a UDP listener, echoing hosts and clients, all with real sockets. No wait is longer than kPatience.
#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "sidecar/reactor/address.hpp"
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {

// A datagram socket on a loopback address.
class Datagrams {
public:
    explicit Datagrams(const std::string& ip = "127.0.0.1", uint16_t port = 0);
    uint16_t port() const { return port_; }
    int fd() const { return fd_.get(); }

    // Only datagrams of this address are received from now on.
    void connect(const std::string& ip, uint16_t port);
    bool send(std::string_view bytes);
    bool send_to(std::string_view bytes, const SocketAddress& to);
    // nullopt: none came in time.
    std::optional<std::string> receive(std::chrono::milliseconds patience = kPatience, SocketAddress* from = nullptr);
    // send() and receive().
    std::string ask(std::string_view bytes);
    void close() { fd_.reset(); }

private:
    UniqueFd fd_;
    uint16_t port_ = 0;
};

// Answers each datagram with its name, a colon and what it got.
class UdpEcho {
public:
    explicit UdpEcho(std::string name, uint16_t port = 0);
    ~UdpEcho();
    uint16_t port() const { return port_; }
    int datagrams() const { return datagrams_; }

private:
    const std::string name_;
    Datagrams socket_;
    const uint16_t port_;
    std::atomic<bool> over_{false};
    std::atomic<int> datagrams_{0};
    std::thread thread_;
};

class UdpTest : public WorkerTest {
protected:
    UdpTest() { upstream_.protocol = config::Protocol::udp; }
    void TearDown() override;
    // Set options_ and policy before.
    void start(const std::string& ip = "127.0.0.1");
    void use(const std::vector<TestHost>& hosts);
    void use(const UdpEcho& echo) { use({{.port = echo.port()}}); }

    // A new client of the listener at `ip`. Its port is no other client's until the test is over, even where the client
    // itself is gone: the kernel gives a free port out anew, and the listener would take the next client for this one.
    Datagrams asker(const std::string& ip = "127.0.0.1");
    UdpCounters& udp() { return counters().udp; }
    uint64_t drops(UdpDrop why) { return udp().drops[static_cast<size_t>(why)].get(); }

private:
    std::vector<UniqueFd> ports_of_askers_;
};

// A port of 127.0.0.1 where no datagram is taken.
uint16_t refused_udp_port();

}  // namespace steelyard::test
