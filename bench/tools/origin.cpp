// bench_origin ADDRESS:PORT=NAME...: an HTTP/1.1 server that answers every request with 200 and NAME as the body.
//
// One thread, one epoll; several listening sockets stand for several endpoints. A request's body is read and dropped when
// Content-Length says how long it is; pipelined and split heads are handled, a head over 16 KiB closes the connection. Prints one line per socket,
// "NAME ADDRESS:PORT", when all are listening (port 0: the kernel chooses), and serves until it is killed.
#include "bench/tools/net.hpp"

#include <algorithm>
#include <array>
#include <memory>
#include <unordered_map>
#include <utility>
#include <vector>

namespace steelyard::bench {
namespace {

constexpr std::size_t head_limit = 16 * 1024;

struct Connection {
    int socket;
    const std::string* answer;
    std::string unparsed;  // the beginning of a head that has not ended yet
    std::string unsent;    // what the socket's buffer had no room for
    std::size_t body = 0;  // of the last request, still to come; it is answered when that is 0
    bool owed = false;     // that answer
};

struct Listener {
    int socket;
    std::string answer;
};

std::string answer_of(std::string_view name) {
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " + std::to_string(name.size()) +
           "\r\n\r\n" + std::string{name};
}

class Origin {
public:
    explicit Origin(std::vector<Listener> listeners)
        : listeners_{std::move(listeners)}, epoll_{epoll_create1(EPOLL_CLOEXEC)} {
        for (const auto& listener : listeners_) {
            watch(EPOLL_CTL_ADD, listener.socket, EPOLLIN);
        }
    }

    [[noreturn]] void run() {
        auto events = std::array<epoll_event, 256>{};
        for (;;) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                handle(events[static_cast<std::size_t>(i)]);
            }
        }
    }

private:
    void watch(int operation, int socket, std::uint32_t what) {
        auto event = epoll_event{};
        event.events = what;
        event.data.fd = socket;
        (void)epoll_ctl(epoll_, operation, socket, &event);
    }

    void handle(const epoll_event& event) {
        for (const auto& listener : listeners_) {
            if (listener.socket == event.data.fd) {
                return accept_all(listener);
            }
        }
        const auto found = connections_.find(event.data.fd);
        if (found != connections_.end() && !serve(*found->second, event.events)) {
            (void)close(found->first);
            connections_.erase(found);
        }
    }

    void accept_all(const Listener& listener) {
        for (;;) {
            const int socket = accept4(listener.socket, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
            if (socket < 0) {
                return;
            }
            set_no_delay(socket);
            connections_[socket] = std::make_unique<Connection>(Connection{socket, &listener.answer, {}, {}, 0, false});
            watch(EPOLL_CTL_ADD, socket, EPOLLIN);
        }
    }

    // False when the connection is over.
    bool serve(Connection& connection, std::uint32_t events) {
        if ((events & EPOLLOUT) != 0 && !flush(connection)) {
            return false;
        }
        if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
            return true;
        }
        const auto size = recv(connection.socket, buffer_.data(), buffer_.size(), 0);
        if (size <= 0) {
            return size < 0 && errno == EAGAIN;
        }
        auto bytes = std::string_view{buffer_.data(), static_cast<std::size_t>(size)};
        skip_body(connection, bytes);
        connection.unparsed.append(bytes);
        return answer(connection) && connection.unparsed.size() <= head_limit;
    }

    static void skip_body(Connection& connection, std::string_view& bytes) {
        const auto skipped = std::min(connection.body, bytes.size());
        connection.body -= skipped;
        bytes.remove_prefix(skipped);
    }

    bool answer(Connection& connection) {
        auto rest = std::string_view{connection.unparsed};
        for (;;) {
            if (connection.owed && connection.body == 0) {
                connection.unsent += *connection.answer;
                connection.owed = false;
            }
            const auto end = rest.find("\r\n\r\n");
            if (connection.owed || end == std::string_view::npos) {
                break;
            }
            connection.body = static_cast<std::size_t>(std::max(0L, content_length(rest.substr(0, end + 2))));
            connection.owed = true;
            rest.remove_prefix(end + 4);
            skip_body(connection, rest);
        }
        connection.unparsed.erase(0, connection.unparsed.size() - rest.size());
        return connection.unsent.empty() || flush(connection);
    }

    bool flush(Connection& connection) {
        const auto size = send(connection.socket, connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
        if (size < 0 && errno != EAGAIN) {
            return false;
        }
        connection.unsent.erase(0, size < 0 ? 0 : static_cast<std::size_t>(size));
        if (!connection.unsent.empty()) {
            // Reading stops until the client has taken its answers: that bounds `unsent`.
            watch(EPOLL_CTL_MOD, connection.socket, EPOLLOUT);
            waiting_ = true;
        } else if (waiting_) {
            watch(EPOLL_CTL_MOD, connection.socket, EPOLLIN);
        }
        return true;
    }

    std::vector<Listener> listeners_;
    int epoll_;
    std::array<char, 64 * 1024> buffer_{};
    bool waiting_ = false;  // some connection has been switched to EPOLLOUT; spares epoll_ctl in the common case
    std::unordered_map<int, std::unique_ptr<Connection>> connections_;
};

Listener listener_from(std::string_view argument) {
    const auto equals = argument.find('=');
    if (equals == std::string_view::npos || equals + 1 == argument.size()) {
        fail("'" + std::string{argument} + "' is not ADDRESS:PORT=NAME");
    }
    const auto where = argument.substr(0, equals);
    const auto name = std::string{argument.substr(equals + 1)};
    const int socket = listen_on(parse_address(where));
    std::printf("%s %s:%d\n", name.c_str(), std::string{where.substr(0, where.rfind(':'))}.c_str(), port_of(socket));
    return {socket, answer_of(name)};
}

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    if (argc < 2) {
        fail("usage: bench_origin ADDRESS:PORT=NAME...");
    }
    auto listeners = std::vector<Listener>{};
    for (int i = 1; i < argc; ++i) {
        listeners.push_back(listener_from(argv[i]));
    }
    (void)std::fflush(stdout);
    Origin{std::move(listeners)}.run();
}
