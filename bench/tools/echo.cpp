// bench_echo serve ADDRESS:PORT                                  sends every byte back
// bench_echo load ADDRESS:PORT CONNECTIONS SECONDS BYTES [websocket]   one message of BYTES in flight on each connection
//
// With "websocket" each connection begins with the opening handshake of RFC 6455 (the server knows one by its GET), and messages are
// masked binary frames; a proxy passes them on unread, so the server sends them back as they are. One thread, one epoll, IPv4.
// `serve` prints "echo ADDRESS:PORT" when it listens. `load` prints one line of JSON when it is over: exchanges, duration (us), p50, p99
// (us), broken (connections that ended or were answered otherwise).
#include <array>
#include <memory>
#include <vector>

#include "bench/tools/load_report.hpp"
#include "bench/tools/net.hpp"

namespace steelyard::bench {
namespace {

constexpr std::size_t buffer_size = 64 * 1024;
constexpr std::string_view request =
    "GET /ws HTTP/1.1\r\nHost: echo.bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
constexpr std::string_view response =
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

void watch(int epoll, int socket, int operation, std::uint32_t what, void* of) {
    auto event = epoll_event{};
    event.events = what;
    event.data.ptr = of;
    if (epoll_ctl(epoll, operation, socket, &event) != 0) {
        fail("cannot watch a socket", errno);
    }
}

struct Peer {
    int socket = -1;
    std::string unsent;
    bool fresh = true;  // nothing was read from it yet
};

class Server {
public:
    explicit Server(int listener) : listener_{listener}, epoll_{epoll_create1(EPOLL_CLOEXEC)} {
        watch(epoll_, listener_, EPOLL_CTL_ADD, EPOLLIN, nullptr);
    }

    [[noreturn]] void run() {
        auto events = std::array<epoll_event, 256>{};
        for (;;) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), -1);
            for (int i = 0; i < count; ++i) {
                auto* peer = static_cast<Peer*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (peer == nullptr) {
                    accept_all();
                } else if (!serve(*peer)) {
                    (void)close(peer->socket);
                    delete peer;
                }
            }
        }
    }

private:
    void accept_all() {
        int socket = -1;
        while ((socket = accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
            set_no_delay(socket);
            auto peer = std::make_unique<Peer>();
            peer->socket = socket;
            watch(epoll_, socket, EPOLL_CTL_ADD, EPOLLIN, peer.release());
        }
    }

    bool serve(Peer& peer) {
        if (peer.unsent.empty()) {
            const auto size = recv(peer.socket, buffer_.data(), buffer_.size(), 0);
            if (size <= 0) {
                return size < 0 && errno == EAGAIN;
            }
            auto bytes = std::string_view{buffer_.data(), static_cast<std::size_t>(size)};
            // The client sends its first message after the answer to its handshake: a head comes alone.
            peer.unsent = peer.fresh && bytes.substr(0, 4) == "GET " ? response : bytes;
            peer.fresh = false;
        }
        const bool waited = waiting_;
        const auto sent = send(peer.socket, peer.unsent.data(), peer.unsent.size(), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) {
            return false;
        }
        peer.unsent.erase(0, sent < 0 ? 0 : static_cast<std::size_t>(sent));
        if (!peer.unsent.empty() || waited) {
            waiting_ = true;
            watch(epoll_, peer.socket, EPOLL_CTL_MOD, peer.unsent.empty() ? EPOLLIN : EPOLLOUT, &peer);
        }
        return true;
    }

    int listener_;
    int epoll_;
    bool waiting_ = false;  // some peer was switched to EPOLLOUT once: spares epoll_ctl in the common case
    std::array<char, buffer_size> buffer_{};
};

std::string message_of(std::size_t bytes, bool websocket) {
    if (!websocket) {
        return std::string(bytes, 'x');
    }
    auto frame = std::string{"\x82", 1};  // final, binary
    if (bytes < 126) {
        frame += static_cast<char>(0x80 | bytes);
    } else if (bytes < 65536) {
        frame += {static_cast<char>(0x80 | 126), static_cast<char>(bytes >> 8), static_cast<char>(bytes & 255)};
    } else {
        fail("a message has at most 65535 bytes");
    }
    return frame + "mask" + std::string(bytes, 'x');
}

struct Client {
    int socket = -1;
    bool open = false;  // the handshake is over
    std::size_t sent = 0;
    std::size_t received = 0;
    std::int64_t since = 0;
    std::string head;
};

class Load {
public:
    Load(const sockaddr_in& to, std::size_t connections, std::int64_t seconds, std::size_t bytes, bool websocket)
        : to_{to},
          end_{now_ns() + seconds * 1'000'000'000},
          message_{message_of(bytes, websocket)},
          websocket_{websocket},
          epoll_{epoll_create1(EPOLL_CLOEXEC)},
          clients_(connections) {}

    void run() {
        const auto begun = now_ns();
        for (auto& client : clients_) {
            open(client);
        }
        auto events = std::array<epoll_event, 256>{};
        while (now_ns() < end_ && alive_ > 0) {
            const int count = epoll_wait(epoll_, events.data(), static_cast<int>(events.size()), 100);
            for (int i = 0; i < count; ++i) {
                auto& client = *static_cast<Client*>(events[static_cast<std::size_t>(i)].data.ptr);
                if (client.socket >= 0 && !step(client)) {
                    lose(client);
                }
            }
        }
        print_report(latencies_, now_ns() - begun, 0, broken_);
    }

private:
    void open(Client& client) {
        client.socket = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        if (client.socket < 0 || connect(client.socket, reinterpret_cast<const sockaddr*>(&to_), sizeof to_) != 0) {
            return lose(client);
        }
        set_no_delay(client.socket);
        ++alive_;
        client.open = !websocket_;
        const auto first = websocket_ ? request : std::string_view{message_};
        client.since = now_ns();
        client.sent = first.size();
        if (send(client.socket, first.data(), first.size(), MSG_NOSIGNAL) != static_cast<ssize_t>(first.size())) {
            --alive_;
            return lose(client);
        }
        watch(epoll_, client.socket, EPOLL_CTL_ADD, EPOLLIN, &client);
    }

    bool step(Client& client) {
        const auto size = recv(client.socket, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
        if (size <= 0) {
            return size < 0 && errno == EAGAIN;
        }
        if (!client.open) {
            client.head.append(buffer_.data(), static_cast<std::size_t>(size));
            if (client.head.size() < 4 || client.head.substr(client.head.size() - 4) != "\r\n\r\n") {
                return client.head.size() < 4096;
            }
            client.open = client.head.rfind("HTTP/1.1 101 ", 0) == 0;
            return client.open && say(client);
        }
        client.received += static_cast<std::size_t>(size);
        if (client.received < message_.size()) {
            return true;
        }
        latencies_.push_back(static_cast<std::uint32_t>((now_ns() - client.since) / 1000));
        return say(client);
    }

    bool say(Client& client) {
        client.received = 0;
        client.since = now_ns();
        // The socket blocks: a message of a few KiB always fits into an empty buffer.
        return send(client.socket, message_.data(), message_.size(), MSG_NOSIGNAL) ==
               static_cast<ssize_t>(message_.size());
    }

    void lose(Client& client) {
        if (client.socket >= 0) {
            (void)close(client.socket);
            alive_ -= alive_ > 0 ? 1 : 0;
        }
        client.socket = -1;
        ++broken_;
    }

    sockaddr_in to_;
    std::int64_t end_;
    std::string message_;
    bool websocket_;
    int epoll_;
    std::vector<Client> clients_;
    std::size_t alive_ = 0;
    std::size_t broken_ = 0;
    std::vector<std::uint32_t> latencies_;
    std::array<char, buffer_size> buffer_{};
};

}  // namespace
}  // namespace steelyard::bench

int main(int argc, char** argv) {
    using namespace steelyard::bench;
    const auto mode = std::string_view{argc > 1 ? argv[1] : ""};
    if (mode == "serve" && argc == 3) {
        const int listener = listen_on(parse_address(argv[2]));
        std::printf("echo %d\n", port_of(listener));
        (void)std::fflush(stdout);
        Server{listener}.run();
    }
    const bool websocket = argc == 7 && std::string_view{argv[6]} == "websocket";
    if (mode != "load" || (argc != 6 && !websocket)) {
        fail(
            "usage: bench_echo serve ADDRESS:PORT | bench_echo load ADDRESS:PORT CONNECTIONS SECONDS BYTES "
            "[websocket]");
    }
    Load{parse_address(argv[2]), parse_number(argv[3], 10000), static_cast<std::int64_t>(parse_number(argv[4], 3600)),
         parse_number(argv[5], 60000), websocket}
        .run();
}
