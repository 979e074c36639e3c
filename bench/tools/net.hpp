#pragma once
// What the benchmark's programs share: addresses and numbers as text, listening sockets, a monotonic clock, an answer's length.
// IPv4 only, start-up errors end the program with one line and exit status 2. Nothing here is on a hot path.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <string>
#include <string_view>

namespace steelyard::bench {

[[noreturn]] inline void fail(const std::string& what, int error = 0) {
    if (error != 0) {
        std::fprintf(stderr, "%s: %s\n", what.c_str(), std::strerror(error));
    } else {
        std::fprintf(stderr, "%s\n", what.c_str());
    }
    std::exit(2);
}

// "10.77.0.1:8080" as a socket address; anything else ends the program.
inline sockaddr_in parse_address(std::string_view text) {
    auto address = sockaddr_in{};
    address.sin_family = AF_INET;
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) {
        fail("'" + std::string{text} + "' is not ADDRESS:PORT");
    }
    const auto host = std::string{text.substr(0, colon)};
    const auto digits = text.substr(colon + 1);
    auto port = std::uint16_t{0};
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
    if (error != std::errc{} || end != digits.data() + digits.size()) {
        fail("'" + std::string{text} + "': the port is not a number from 0 to 65535");
    }
    if (inet_pton(AF_INET, host.c_str(), &address.sin_addr) != 1) {
        fail("'" + std::string{text} + "': the host is not an IPv4 address");
    }
    address.sin_port = htons(port);
    return address;
}

// A command line's number from 1 to `most`; anything else ends the program.
inline std::size_t parse_number(const char* text, std::size_t most) {
    const auto view = std::string_view{text};
    auto value = std::size_t{0};
    const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
    if (error != std::errc{} || end != view.data() + view.size() || value == 0 || value > most) {
        fail("'" + std::string{view} + "' is not a number from 1 to " + std::to_string(most));
    }
    return value;
}

inline void set_no_delay(int socket) {
    const int on = 1;
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

// A non-blocking listening socket.
inline int listen_on(const sockaddr_in& address) {
    const int socket = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    const int on = 1;
    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (socket < 0 || bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 ||
        listen(socket, 4096) != 0) {
        fail("cannot listen", errno);
    }
    return socket;
}

// The port that the kernel chose, for a socket that was bound to port 0.
inline int port_of(int socket) {
    auto address = sockaddr_in{};
    auto size = socklen_t{sizeof address};
    (void)getsockname(socket, reinterpret_cast<sockaddr*>(&address), &size);
    return ntohs(address.sin_port);
}

// CLOCK_MONOTONIC in nanoseconds: the clock of Python's time.perf_counter_ns(), so that times compare across programs.
inline std::int64_t now_ns() {
    auto now = timespec{};
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<std::int64_t>(now.tv_sec) * 1'000'000'000 + now.tv_nsec;
}

// The value of Content-Length in `head`, or -1. The name is matched without regard to case, as RFC 9110 section 5.1 has it.
inline long content_length(std::string_view head) {
    constexpr std::string_view name = "\r\ncontent-length:";
    for (std::size_t at = 0; at + name.size() < head.size(); ++at) {
        if (head[at] == '\r' && strncasecmp(head.data() + at, name.data(), name.size()) == 0) {
            return std::strtol(head.data() + at + name.size(), nullptr, 10);
        }
    }
    return -1;
}

}  // namespace steelyard::bench
