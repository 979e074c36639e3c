#include "sidecar/reactor/channel.hpp"

#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "sidecar/reactor/transparent.hpp"

namespace steelyard {
namespace {

void set_no_delay(int fd) {
    const int on = 1;
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

}  // namespace

bool Channel::adopt(Reactor& reactor, UniqueFd fd) {
    fd_ = std::move(fd);
    writable_ = true;  // a new socket's buffer is empty; edges bring the rest
    readable_ = peer_closed_ = broken_ = false;
    if (reactor.add(fd_.get(), this)) return true;
    fd_.reset();
    return false;
}

Channel::Status Channel::connect(Reactor& reactor, const SocketAddress& address, const SocketAddress* client) {
    readable_ = writable_ = peer_closed_ = broken_ = false;
    fd_.reset(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP));
    if (!fd_) return Status::failed;
    set_no_delay(fd_.get());
    if (client != nullptr) as_client_ = speak_as(fd_.get(), address.family(), *client);
    const int result = ::connect(fd_.get(), address.data(), address.size());
    const int error = errno;
    if (result != 0 && error != EINPROGRESS) {
        fd_.reset();
        errno = error;
        return Status::failed;
    }
    if (!reactor.add(fd_.get(), this)) {
        fd_.reset();
        return Status::failed;
    }
    if (result != 0) return Status::would_block;
    writable_ = true;
    return Status::ok;
}

int Channel::connect_error() const {
    int error = 0;
    socklen_t size = sizeof(error);
    if (getsockopt(fd_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) return errno;
    return error;
}

unsigned Channel::retransmissions() const {
    tcp_info info{};
    socklen_t size = sizeof(info);
    if (getsockopt(fd_.get(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return 0;
    return info.tcpi_retransmits;
}

Channel::Io Channel::read(std::span<char> room) {
    if (!readable_) return {Status::would_block, 0};
    while (true) {
        const ssize_t n = ::recv(fd_.get(), room.data(), room.size(), 0);
        if (n > 0) {
            // A short read means the queue was emptied; a later arrival is a new edge. After FIN there is no later
            // edge, so the end itself must still be read.
            if (static_cast<size_t>(n) < room.size() && !peer_closed_) readable_ = false;
            return {Status::ok, static_cast<size_t>(n)};
        }
        if (n == 0) {
            peer_closed_ = true;
            readable_ = false;
            return {Status::closed, 0};
        }
        if (errno == EINTR) continue;
        readable_ = false;
        if (errno == EAGAIN) return {Status::would_block, 0};
        broken_ = true;
        return {Status::failed, 0};
    }
}

Channel::Io Channel::write(std::string_view bytes) {
    const iovec part{const_cast<char*>(bytes.data()), bytes.size()};
    return write(std::span(&part, 1));
}

Channel::Io Channel::write(std::span<const iovec> parts) {
    if (!writable_) return {Status::would_block, 0};
    size_t total = 0;
    for (const auto& part : parts) total += part.iov_len;
    while (true) {
        ssize_t n;
        if (parts.size() == 1) {
            n = ::send(fd_.get(), parts[0].iov_base, parts[0].iov_len, MSG_NOSIGNAL);
        } else {
            msghdr message{};
            message.msg_iov = const_cast<iovec*>(parts.data());
            message.msg_iovlen = parts.size();
            n = ::sendmsg(fd_.get(), &message, MSG_NOSIGNAL);
        }
        if (n >= 0) {
            if (static_cast<size_t>(n) < total) writable_ = false;
            return {Status::ok, static_cast<size_t>(n)};
        }
        if (errno == EINTR) continue;
        writable_ = false;
        if (errno == EAGAIN) return {Status::would_block, 0};
        broken_ = true;
        return {Status::failed, 0};
    }
}

Channel::Io Channel::read_into(int pipe, size_t most) {
    if (!readable_) return {Status::would_block, 0};
    while (true) {
        const ssize_t n = ::splice(fd_.get(), nullptr, pipe, nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        // A short one says nothing: the pipe may have run out of slots before the socket ran out of bytes.
        if (n > 0) return {Status::ok, static_cast<size_t>(n)};
        if (n < 0 && errno == EINTR) continue;
        if (n < 0 && errno == EINVAL) return {Status::unsupported, 0};
        readable_ = false;
        if (n == 0) {
            peer_closed_ = true;
            return {Status::closed, 0};
        }
        if (errno == EAGAIN) return {Status::would_block, 0};
        broken_ = true;
        return {Status::failed, 0};
    }
}

Channel::Io Channel::write_from(int pipe, size_t most) {
    if (!writable_) return {Status::would_block, 0};
    while (true) {
        const ssize_t n = ::splice(pipe, nullptr, fd_.get(), nullptr, most, SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
        if (n > 0) return {Status::ok, static_cast<size_t>(n)};
        if (n < 0 && errno == EINTR) continue;
        writable_ = false;
        if (n < 0 && errno == EAGAIN) return {Status::would_block, 0};
        broken_ = true;
        return {Status::failed, 0};
    }
}

void Channel::shutdown_write() {
    if (fd_) ::shutdown(fd_.get(), SHUT_WR);
}

void Channel::abort() {
    if (!fd_) return;
    const linger now{1, 0};
    setsockopt(fd_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    fd_.reset();
}

void Channel::take(Reactor& reactor, Channel& other) {
    fd_ = std::move(other.fd_);
    readable_ = other.readable_;
    writable_ = other.writable_;
    peer_closed_ = other.peer_closed_;
    broken_ = other.broken_;
    reactor.rebind(fd_.get(), this);
}

void Channel::on_events(uint32_t events) {
    if (!fd_) return;  // closed earlier in this turn
    if (events & EPOLLIN) readable_ = true;
    if (events & EPOLLOUT) writable_ = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) {
        peer_closed_ = true;
        readable_ = true;  // the end, or the error, is there to be read
        if (events & (EPOLLHUP | EPOLLERR)) writable_ = true;
        if (events & EPOLLERR) broken_ = true;
    }
    owner_->on_channel(*this);
}

}  // namespace steelyard
