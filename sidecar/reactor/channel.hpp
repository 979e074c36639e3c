#pragma once
// A non-blocking stream socket with what epoll last said about it. Reads and writes skip the system call when the socket is known
// not to be ready, and a short read or write says so without a second call that only returns EAGAIN.
#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string_view>

#include "sidecar/reactor/address.hpp"
#include "sidecar/reactor/fd.hpp"
#include "sidecar/reactor/reactor.hpp"

namespace steelyard {

class Channel final : public EventHandler {
public:
    class Owner {
    public:
        virtual ~Owner() = default;
        virtual void on_channel(Channel& channel) = 0;
    };
    enum class Status : uint8_t { ok, would_block, closed, failed, unsupported };
    struct Io {
        Status status = Status::ok;
        size_t bytes = 0;
    };

    explicit Channel(Owner& owner) : owner_(&owner) {}

    // Takes an accepted socket, which has TCP_NODELAY of its listener (Linux hands that on). False when it cannot be watched (the socket is closed then).
    bool adopt(Reactor& reactor, UniqueFd fd);
    // Starts a connection; ok = connected at once, would_block = on_channel will come. With `client`, it comes from that one's address if
    // this process may do so, else from our own: speaks_as_client() tells.
    Status connect(Reactor& reactor, const SocketAddress& address, const SocketAddress* client = nullptr);
    bool speaks_as_client() const { return as_client_; }
    // After connect() said would_block and the socket became writable: did it work? 0 or errno.
    int connect_error() const;
    // How often what the peer has not acknowledged was sent anew since it last acknowledged anything. A system call.
    unsigned retransmissions() const;

    // closed = the peer sent all it will send.
    Io read(std::span<char> room);
    Io write(std::string_view bytes);
    Io write(std::span<const iovec> parts);

    // The same by splice(2), into an empty pipe and out of one, `most` bytes at most. unsupported: nothing has happened, and never
    // will in this way.
    Io read_into(int pipe, size_t most);
    Io write_from(int pipe, size_t most);

    // Sends FIN; what the peer still sends can be read.
    void shutdown_write();
    // Closes with a RST, so that the peer sees a broken message and no proper end.
    void abort();
    void close() { fd_.reset(); }

    bool open() const { return static_cast<bool>(fd_); }
    int fd() const { return fd_.get(); }
    bool readable() const { return readable_; }
    bool writable() const { return writable_; }
    // The peer has closed at least its sending side, or the connection broke.
    bool peer_closed() const { return peer_closed_; }
    bool broken() const { return broken_; }
    void set_owner(Owner& owner) { owner_ = &owner; }

    // Takes over another channel's socket and what is known of it.
    void take(Reactor& reactor, Channel& other);

    void on_events(uint32_t events) override;

private:
    Owner* owner_;
    UniqueFd fd_;
    bool readable_ = false;
    bool writable_ = false;
    bool peer_closed_ = false;
    bool broken_ = false;
    bool as_client_ = false;
};

}  // namespace steelyard
