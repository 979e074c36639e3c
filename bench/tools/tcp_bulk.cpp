// bench_tcp_bulk serve ADDRESS:PORT                          sends without end to whoever connects
// bench_tcp_bulk load ADDRESS:PORT CONNECTIONS SECONDS       reads, and drops what it has read
//
// IPv4, a thread for each connection of the server, one for the load. `serve` prints "bulk PORT" when it listens. `load` prints one line of
// JSON: requests (MiB received, so that "per request" means per MiB), duration (us), p50, p99 (0), bad_status (0), broken (connections
// that ended).
#include <array>
#include <thread>
#include <vector>

#include "bench/tools/net.hpp"

namespace steelyard::bench {
namespace {

constexpr std::size_t piece = 256 * 1024;

void pour(int socket) {
    const auto bytes = std::vector<char>(piece, 'x');
    while (send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL) > 0) {}
    (void)close(socket);
}

[[noreturn]] void serve(const sockaddr_in& address) {
    const int listener = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    (void)setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (listener < 0 || bind(listener, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(listener, 64) != 0) {
        fail("cannot listen", errno);
    }
    std::printf("bulk %d\n", port_of(listener));
    (void)std::fflush(stdout);
    for (;;) {
        const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
        if (socket >= 0) {
            std::thread{pour, socket}.detach();
        }
    }
}

void load(const sockaddr_in& to, std::size_t connections, std::int64_t seconds) {
    const int epoll = epoll_create1(EPOLL_CLOEXEC);
    auto sockets = std::vector<int>(connections);
    for (auto& socket : sockets) {
        socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (socket < 0 || connect(socket, reinterpret_cast<const sockaddr*>(&to), sizeof to) != 0) {
            fail("cannot connect", errno);
        }
        auto event = epoll_event{};
        event.events = EPOLLIN;
        event.data.ptr = &socket;
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, socket, &event);
    }
    auto buffer = std::vector<char>(piece);
    auto events = std::array<epoll_event, 64>{};
    auto received = std::uint64_t{0};
    auto broken = std::size_t{0};
    const auto begun = now_ns();
    while (now_ns() - begun < seconds * 1'000'000'000 && broken < connections) {
        const int count = epoll_wait(epoll, events.data(), static_cast<int>(events.size()), 100);
        for (int i = 0; i < count; ++i) {
            auto& socket = *static_cast<int*>(events[static_cast<std::size_t>(i)].data.ptr);
            // Dropped in the kernel: what is measured is the proxy, and its client shares a core with the sender.
            const auto size = recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT | MSG_TRUNC);
            if (size > 0) {
                received += static_cast<std::uint64_t>(size);
            } else if (size == 0 || errno != EAGAIN) {
                (void)close(socket);
                ++broken;
            }
        }
    }
    std::printf(
        "{\"requests\": %llu, \"duration\": %lld, \"p50\": 0, \"p99\": 0, \"bad_status\": 0, \"broken\": %zu}\n",
        static_cast<unsigned long long>(received >> 20), static_cast<long long>((now_ns() - begun) / 1000), broken);
}

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    const auto mode = std::string_view{argc > 1 ? argv[1] : ""};
    if (mode == "serve" && argc == 3) {
        serve(parse_address(argv[2]));
    }
    if (mode != "load" || argc != 5) {
        fail("usage: bench_tcp_bulk serve ADDRESS:PORT | bench_tcp_bulk load ADDRESS:PORT CONNECTIONS SECONDS");
    }
    load(parse_address(argv[2]), parse_number(argv[3], 1000), static_cast<std::int64_t>(parse_number(argv[4], 3600)));
}
