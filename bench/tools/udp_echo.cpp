// bench_udp_echo serve ADDRESS:PORT                          sends every datagram back
// bench_udp_echo load ADDRESS:PORT CLIENTS SECONDS BYTES     one datagram of BYTES in flight for each client, a socket each
//
// One thread, one epoll, IPv4. A datagram that is not answered within a second is lost and the client sends the next one. `serve` prints
// "udp PORT" when it is bound; it takes and sends up to 64 datagrams a system call. `load` prints one line of JSON: requests (answered),
// duration, p50, p99 (us), bad_status (answers that are not what was sent), broken (lost).
#include <algorithm>
#include <array>
#include <vector>

#include "bench/tools/load_report.hpp"
#include "bench/tools/net.hpp"

namespace steelyard::bench {
namespace {

constexpr std::size_t batch = 64;
constexpr std::size_t datagram = 2048;
constexpr std::int64_t patience_ns = 1'000'000'000;

int udp_socket() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    const int bytes = 4 << 20;
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof bytes);
    return socket;
}

[[noreturn]] void serve(const sockaddr_in& address) {
    const int socket = udp_socket();
    if (socket < 0 || bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        fail("cannot bind", errno);
    }
    std::printf("udp %d\n", port_of(socket));
    (void)std::fflush(stdout);
    auto bytes = std::vector<char>(batch * datagram);
    auto peers = std::array<sockaddr_in, batch>{};
    auto parts = std::array<iovec, batch>{};
    auto messages = std::array<mmsghdr, batch>{};
    for (;;) {
        for (std::size_t i = 0; i < batch; ++i) {
            parts[i] = {bytes.data() + i * datagram, datagram};
            messages[i].msg_hdr = {&peers[i], sizeof peers[i], &parts[i], 1, nullptr, 0, 0};
        }
        const int count = recvmmsg(socket, messages.data(), batch, MSG_WAITFORONE, nullptr);
        for (int i = 0; i < count; ++i) {
            const auto at = static_cast<std::size_t>(i);
            parts[at].iov_len = messages[at].msg_len;
        }
        if (count > 0) {
            (void)sendmmsg(socket, messages.data(), static_cast<unsigned>(count), 0);
        }
    }
}

struct Client {
    int socket = -1;
    std::uint32_t number = 0;  // of the datagram under way: the first bytes of it
    std::int64_t since = 0;
};

class Load {
public:
    Load(const sockaddr_in& to, std::size_t clients, std::int64_t seconds, std::size_t bytes)
        : end_{now_ns() + seconds * 1'000'000'000},
          message_(std::max(bytes, sizeof(std::uint32_t)), 'x'),
          epoll_{epoll_create1(EPOLL_CLOEXEC)},
          clients_(clients) {
        for (auto& client : clients_) {
            client.socket = udp_socket();
            if (client.socket < 0 || connect(client.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
                fail("cannot make a socket", errno);
            }
            auto event = epoll_event{};
            event.events = EPOLLIN;
            event.data.ptr = &client;
            (void)epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
        }
    }

    void run() {
        const auto begun = now_ns();
        for (auto& client : clients_) {
            say(client);
        }
        auto events = std::array<epoll_event, 256>{};
        auto looked = begun;
        while (now_ns() < end_) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
            for (int i = 0; i < count; ++i) {
                hear(*static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr));
            }
            if (now_ns() - looked > patience_ns / 4) {
                looked = now_ns();
                give_up(looked);
            }
        }
        print_report(latencies_, now_ns() - begun, wrong_, lost_);
    }

private:
    void say(Client& client) {
        ++client.number;
        std::memcpy(message_.data(), &client.number, sizeof client.number);
        client.since = now_ns();
        (void)send(client.socket, message_.data(), message_.size(), 0);
    }

    void hear(Client& client) {
        const auto size = recv(client.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size < 0) {
            return;  // refused, or nothing there: the time-out sees to it
        }
        auto number = std::uint32_t{0};
        std::memcpy(&number, buffer_.data(), std::min(sizeof number, static_cast<std::size_t>(size)));
        if (number != client.number || static_cast<std::size_t>(size) != message_.size()) {
            wrong_ += number == client.number ? 1 : 0;  // else an answer that was given up
            return;
        }
        latencies_.push_back(static_cast<std::uint32_t>((now_ns() - client.since) / 1000));
        say(client);
    }

    void give_up(std::int64_t now) {
        for (auto& client : clients_) {
            if (now - client.since > patience_ns) {
                ++lost_;
                say(client);
            }
        }
    }

    std::int64_t end_;
    std::string message_;
    int epoll_;
    std::vector<Client> clients_;
    std::size_t lost_ = 0;
    std::size_t wrong_ = 0;
    std::vector<std::uint32_t> latencies_;
    std::array<char, 64 * 1024> buffer_{};
};

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    const auto mode = std::string_view{argc > 1 ? argv[1] : ""};
    if (mode == "serve" && argc == 3) {
        serve(parse_address(argv[2]));
    }
    if (mode != "load" || argc != 6) {
        fail("usage: bench_udp_echo serve ADDRESS:PORT | bench_udp_echo load ADDRESS:PORT CLIENTS SECONDS BYTES");
    }
    Load{parse_address(argv[2]), parse_number(argv[3], 5000), static_cast<std::int64_t>(parse_number(argv[4], 3600)),
         parse_number(argv[5], datagram)}
        .run();
}
