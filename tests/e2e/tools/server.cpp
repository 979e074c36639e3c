#include "tests/e2e/tools/server.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

namespace steelyard::e2e {
namespace {

constexpr int idle_seconds = 120;
constexpr std::size_t largest_head = 65536;

std::atomic<bool> closing{false};
std::atomic<int> answering{0};

bool send_all(int socket, const std::string& text) {
    return send(socket, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size());
}

std::string response(const ServerOptions& options) {
    const auto body = options.name + "\n";
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nX-Backend: " + options.name +
           "\r\nContent-Length: " + std::to_string(body.size()) + (closing ? "\r\nConnection: close" : "") +
           "\r\n\r\n" + body;
}

// Requests have no body here: a head is a request.
void serve_connection(int socket, const ServerOptions& options) {
    std::array<char, 8192> buffer;
    std::string input;
    while (true) {
        std::size_t end = 0;
        while ((end = input.find("\r\n\r\n")) == std::string::npos) {
            const auto got = input.size() > largest_head ? 0 : recv(socket, buffer.data(), buffer.size(), 0);
            if (got <= 0) {
                (void)close(socket);
                return;
            }
            input.append(buffer.data(), static_cast<std::size_t>(got));
        }
        input.erase(0, end + 4);
        ++answering;
        if (options.delay.count() > 0) {
            std::this_thread::sleep_for(options.delay);
        }
        const bool last = closing;
        const bool sent = send_all(socket, response(options));
        --answering;
        if (!sent || last) {
            (void)shutdown(socket, SHUT_WR);
            (void)close(socket);
            return;
        }
    }
}

int listen_on(int port) {
    const int socket = ::socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const int on = 1;
    const int off = 0;
    (void)setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    auto address = sockaddr_in6{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(static_cast<std::uint16_t>(port));
    if (bind(socket, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || listen(socket, 1024) != 0) {
        std::perror("serve: listen");
        return -1;
    }
    return socket;
}

void accept_one(int listener, const ServerOptions& options) {
    const int socket = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (socket < 0) {
        return;
    }
    const int on = 1;
    const auto limit = timeval{idle_seconds, 0};
    (void)setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    (void)setsockopt(socket, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    std::thread{serve_connection, socket, std::cref(options)}.detach();
}

}  // namespace

int serve(const ServerOptions& options) {
    sigset_t signals;
    (void)sigemptyset(&signals);
    (void)sigaddset(&signals, SIGTERM);
    (void)sigaddset(&signals, SIGINT);
    (void)sigprocmask(SIG_BLOCK, &signals, nullptr);
    const int told = signalfd(-1, &signals, SFD_CLOEXEC);
    const int listener = listen_on(options.port);
    if (listener < 0) {
        return 1;
    }
    using Clock = std::chrono::steady_clock;
    auto end = Clock::time_point::max();
    while (Clock::now() < end) {
        auto waits = std::array{pollfd{listener, POLLIN, 0}, pollfd{told, POLLIN, 0}};
        const auto count = end == Clock::time_point::max() ? 2U : 1U;
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(end - Clock::now());
        (void)poll(waits.data(), count, count == 2 ? -1 : static_cast<int>(left.count()));
        if ((waits[1].revents & POLLIN) != 0) {
            if (options.immediate) {
                std::_Exit(0);
            }
            end = Clock::now() + options.drain;
        }
        if ((waits[0].revents & POLLIN) != 0) {
            accept_one(listener, options);
        }
    }
    closing = true;
    (void)close(listener);
    const auto deadline = Clock::now() + std::chrono::seconds{1} + options.delay;
    do {
        std::this_thread::sleep_for(std::chrono::milliseconds{50});
    } while (answering > 0 && Clock::now() < deadline);
    std::_Exit(0);
}

}  // namespace steelyard::e2e
