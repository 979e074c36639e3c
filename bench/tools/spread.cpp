// bench_spread FIRST-ADDRESS:PORT DESTINATIONS CONNECTIONS SECONDS keep|close: GET requests to many destinations, which are one port of
// consecutive IPv4 addresses.
//
// One request is under way on each connection. "keep": connection after connection has the next destination, and keeps it. "close": a
// connection a request ("Connection: close"), each to the next destination. One thread, one epoll. Prints one line of JSON: requests,
// duration (us), p50, p99 (us; with "close" from the connect to the answer's last byte), bad_status, broken.
#include <array>
#include <vector>

#include "bench/tools/load_report.hpp"
#include "bench/tools/net.hpp"

namespace steelyard::bench {
namespace {

constexpr std::string_view kept_request = "GET / HTTP/1.1\r\nHost: routes.bench\r\n\r\n";
constexpr std::string_view closed_request = "GET / HTTP/1.1\r\nHost: routes.bench\r\nConnection: close\r\n\r\n";

struct Client {
    int socket = -1;
    std::int64_t since = 0;
    std::string head;  // of the answer, until it is whole
    long rest = -1;    // of the answer's body; -1: its head is not here yet
};

class Spread {
public:
    Spread(const sockaddr_in& first, std::uint32_t destinations, std::size_t connections, std::int64_t seconds,
           bool close)
        : first_{first},
          destinations_{destinations},
          seconds_{seconds},
          close_{close},
          epoll_{epoll_create1(EPOLL_CLOEXEC)},
          clients_(connections) {}

    void run() {
        const auto begun = now_ns();
        const auto end = begun + seconds_ * 1'000'000'000;
        for (auto& client : clients_) {
            open(client);
        }
        auto events = std::array<epoll_event, 256>{};
        while (now_ns() < end && alive_ > 0) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
            for (int i = 0; i < count; ++i) {
                step(*static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr));
            }
        }
        print_report(latencies_, now_ns() - begun, bad_, broken_);
    }

private:
    sockaddr_in next_destination() {
        auto to = first_;
        to.sin_addr.s_addr = htonl(ntohl(first_.sin_addr.s_addr) + turn_++ % destinations_);
        return to;
    }

    void open(Client& client) {
        const auto to = next_destination();
        client.since = now_ns();
        client.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        ++alive_;
        if (client.socket < 0 || connect(client.socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            return lose(client);
        }
        set_no_delay(client.socket);
        auto event = epoll_event{};
        event.events = EPOLLIN;
        event.data.ptr = &client;
        (void)epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &event);
        ask(client);
    }

    void ask(Client& client) {
        const auto request = close_ ? closed_request : kept_request;
        client.head.clear();
        client.rest = -1;
        if (send(client.socket, request.data(), request.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(request.size())) {
            lose(client);
        }
    }

    void step(Client& client) {
        const auto size = recv(client.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size < 0 && errno == EAGAIN) {
            return;
        }
        if (size <= 0) {
            return close_ && size == 0 && client.rest == 0 ? again(client) : lose(client);
        }
        if (!take({buffer_.data(), static_cast<std::size_t>(size)}, client)) {
            return lose(client);
        }
        if (client.rest == 0) {
            latencies_.push_back(static_cast<std::uint32_t>((now_ns() - client.since) / 1000));
            if (!close_) {
                client.since = now_ns();
                ask(client);
            }
        }
    }

    // False: that is no answer.
    bool take(std::string_view bytes, Client& client) {
        if (client.rest >= 0) {
            client.rest -= static_cast<long>(bytes.size());
            return client.rest >= 0;
        }
        client.head += bytes;
        const auto end = client.head.find("\r\n\r\n");
        if (end == std::string::npos) {
            return client.head.size() < buffer_.size();
        }
        bad_ += client.head.compare(0, 12, "HTTP/1.1 200") == 0 ? 0 : 1;
        const auto length = content_length(std::string_view{client.head}.substr(0, end + 2));
        client.rest = length - static_cast<long>(client.head.size() - end - 4);
        return length > 0 && client.rest >= 0;
    }

    void again(Client& client) {
        (void)close(client.socket);
        --alive_;
        open(client);
    }

    void lose(Client& client) {
        if (client.socket >= 0) {
            (void)close(client.socket);
        }
        client.socket = -1;
        --alive_;
        ++broken_;
    }

    sockaddr_in first_;
    std::uint32_t destinations_;
    std::int64_t seconds_;
    bool close_;
    int epoll_;
    std::vector<Client> clients_;
    std::vector<std::uint32_t> latencies_;
    std::array<char, 64 * 1024> buffer_{};
    std::uint32_t turn_ = 0;
    std::size_t alive_ = 0;
    std::size_t bad_ = 0;
    std::size_t broken_ = 0;
};

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    const auto mode = std::string_view{argc == 6 ? argv[5] : ""};
    if (mode != "keep" && mode != "close") {
        fail("usage: bench_spread FIRST-ADDRESS:PORT DESTINATIONS CONNECTIONS SECONDS keep|close");
    }
    Spread{parse_address(argv[1]), static_cast<std::uint32_t>(parse_number(argv[2], 60'000)),
           parse_number(argv[3], 10'000), static_cast<std::int64_t>(parse_number(argv[4], 3600)), mode == "close"}
        .run();
}
