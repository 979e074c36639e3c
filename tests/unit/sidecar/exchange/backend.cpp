#include "tests/unit/sidecar/exchange/backend.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include <charconv>
#include <stdexcept>

namespace steelyard::test {
namespace {

UniqueFd bind_loopback(uint16_t& port) {
    UniqueFd fd(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof(address);
    if (::bind(fd.get(), reinterpret_cast<sockaddr*>(&address), size) != 0 ||
        ::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) {
        throw std::runtime_error("no port on 127.0.0.1");
    }
    port = ntohs(address.sin_port);
    return fd;
}

}  // namespace

Message Peer::next() {
    Message message = read_request();
    if (message) ++backend.requests_;
    return message;
}

void Peer::reset() {
    const std::lock_guard lock(backend.mutex_);
    Socket::reset();
}

void Peer::close() {
    const std::lock_guard lock(backend.mutex_);
    Socket::close();
}

Backend::Backend(Script script, int backlog) : script_(std::move(script)), listener_(bind_loopback(port_)) {
    ::listen(listener_.get(), backlog);
    acceptor_ = std::thread([this] { accept_all(); });
}

void Backend::close_listener() {
    ::shutdown(listener_.get(), SHUT_RDWR);  // wakes accept()
    if (acceptor_.joinable()) acceptor_.join();
    listener_.reset();
}

Backend::~Backend() {
    close_listener();
    {
        const std::lock_guard lock(mutex_);
        for (auto& connection : served_) ::shutdown(connection.peer->fd(), SHUT_RDWR);
    }
    for (auto& connection : served_) connection.thread.join();
}

void Backend::accept_all() {
    while (true) {
        UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC));
        if (!fd) return;
        const int on = 1;
        setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        const std::lock_guard lock(mutex_);
        ++open_;
        auto& connection = served_.emplace_back();
        connection.peer = std::make_unique<Peer>(std::move(fd), *this, connections_++);
        connection.thread = std::thread([this, peer = connection.peer.get()] {
            script_(*peer);
            peer->close();
            --open_;
        });
    }
}

FullHost::FullHost() : listener_(bind_loopback(port_)) {
    ::listen(listener_.get(), 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port_);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    for (int i = 0; i < 4; ++i) {
        auto& filler = fillers_.emplace_back(::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
        ::connect(filler.get(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
    }
}

Backend::Script serve(Backend::Handler handler) {
    return [handler = std::move(handler)](Peer& peer) {
        while (const Message request = peer.next()) {
            if (!peer.send(handler(request))) return;
        }
    };
}

std::string ok(std::string_view body, std::string_view fields) {
    return "HTTP/1.1 200 OK\r\n" + std::string(fields) + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" +
           std::string(body);
}

std::string chunk(std::string_view data) {
    char size[16];
    const auto end = std::to_chars(size, size + sizeof(size), data.size(), 16).ptr;
    return std::string(size, end) + "\r\n" + std::string(data) + "\r\n";
}

uint16_t refused_port() {
    uint16_t port = 0;
    bind_loopback(port);  // bound and closed again
    return port;
}

std::string pattern(size_t size) {
    std::string text;
    text.reserve(size + 16);
    for (size_t i = 0; text.size() < size; ++i) {
        text += std::to_string(i);
        text += ' ';
    }
    text.resize(size);
    return text;
}

}  // namespace steelyard::test
