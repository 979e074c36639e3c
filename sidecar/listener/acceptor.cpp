#include "sidecar/listener/acceptor.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "sidecar/reactor/bind.hpp"

namespace steelyard {
namespace {

constexpr int kBacklog = 4096;
// Connections taken in one turn before those that are open get theirs.
constexpr int kMostPerTurn = 64;
// Turns in a row with a single connection after which a second one is asked for.
constexpr int kSingles = 8;
// Bytes that the kernel takes of an answer before the client's window lets it send them. Without a bound, what a client does not read fills
// the kernel's memory for TCP, which all connections of the machine share, by megabytes each.
constexpr int kMostUnsent = 256 * 1024;

Error listen_error(const std::string& ip, uint16_t port, const char* what) {
    return {host_id(ip, port), std::string("cannot ") + what + ": " + bind_problem(errno, port)};
}

}  // namespace

Result<UniqueFd> open_listener(const std::string& ip, uint16_t port, bool freebind) {
    const auto address = SocketAddress::parse(ip, port);
    if (!address) return Error{ip, "is not an IP address"};
    UniqueFd socket(::socket(address->family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    if (!socket) return listen_error(ip, port, "make a socket");
    const int on = 1;
    setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof(on)) != 0) {
        return listen_error(ip, port, "share the port among workers");
    }
    // Accepted sockets inherit it: one system call less for each.
    if (setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) != 0) {
        return listen_error(ip, port, "send without delay");
    }
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &kMostUnsent, sizeof(kMostUnsent));  // inherited, too
    if (address->family() == AF_INET6) {
        const int off = 0;
        setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
    }
    if (freebind && !set_freebind(socket.get(), address->family())) {
        return listen_error(ip, port, "bind ahead of the address");
    }
    if (bind(socket.get(), address->data(), address->size()) != 0) return listen_error(ip, port, "bind");
    if (listen(socket.get(), kBacklog) != 0) return listen_error(ip, port, "listen");
    return socket;
}

uint16_t bound_port(const UniqueFd& socket) {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    if (getsockname(socket.get(), reinterpret_cast<sockaddr*>(&storage), &size) != 0) return 0;
    return SocketAddress::from(storage).port();
}

Acceptor::Acceptor(WorkerContext& worker, UniqueFd socket, size_t max_sessions, OnAccept on_accept)
    : worker_(worker),
      socket_(std::move(socket)),
      spare_(::open("/dev/null", O_RDONLY | O_CLOEXEC)),
      max_sessions_(max_sessions),
      on_accept_(std::move(on_accept)) {
    worker_.reactor.add(socket_.get(), this, Reactor::Trigger::level);
}

void Acceptor::on_events(uint32_t) {
    int taken = 0;
    while (socket_ && taken < per_turn_ && accept_one()) ++taken;
    if (taken < per_turn_) {
        per_turn_ = std::max(taken, 1);
        singles_ = 0;
    } else if (per_turn_ > 1 || ++singles_ == kSingles) {
        per_turn_ = std::min(per_turn_ * 2, kMostPerTurn);
        singles_ = 0;
    }
}

// False when the queue is empty.
bool Acceptor::accept_one() {
    sockaddr_storage storage{};
    socklen_t size = sizeof(storage);
    UniqueFd client(accept4(socket_.get(), reinterpret_cast<sockaddr*>(&storage), &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!client) {
        if (errno == EINTR || errno == ECONNABORTED) return true;
        if (errno == EAGAIN) return false;
        worker_.counters.accept_errors.add();
        if (errno == EMFILE || errno == ENFILE) shed_one();
        return false;
    }
    worker_.counters.accepted.add();
    if (worker_.counters.sessions.get() >= max_sessions_) {
        worker_.counters.refused_limit.add();
        return true;
    }
    on_accept_(std::move(client), SocketAddress::from(storage));
    return true;
}

void Acceptor::shed_one() {
    spare_.reset();
    UniqueFd victim(accept4(socket_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    victim.reset();
    spare_.reset(::open("/dev/null", O_RDONLY | O_CLOEXEC));
}

void Acceptor::close() {
    while (socket_ && accept_one()) {}
    socket_.reset();
}

}  // namespace steelyard
