#include "sidecar/listener/proxy_header_reader.hpp"

#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <utility>

namespace steelyard {

using proxy_protocol::Fault;

ProxyHeaderReader::ProxyHeaderReader(WorkerContext& worker, UniqueFd client, const SocketAddress& peer, Serve serve)
    : worker_(worker),
      client_(std::move(client)),
      peer_(peer),
      serve_(std::move(serve)),
      deadline_(worker.reactor.now() + worker.timeouts.request_head) {
    worker_.counters.sessions.add();
}

ProxyHeaderReader::~ProxyHeaderReader() { worker_.counters.sessions.sub(); }

void ProxyHeaderReader::accept(WorkerContext& worker, UniqueFd client, const SocketAddress& peer, Serve serve) {
    auto owned = std::make_unique<ProxyHeaderReader>(worker, std::move(client), peer, std::move(serve));
    ProxyHeaderReader& reader = *owned;
    worker.sessions.add(std::move(owned));
    if (!worker.reactor.add(reader.client_.get(), &reader)) reader.end();
}

void ProxyHeaderReader::on_events(uint32_t events) {
    if (!client_) return;  // ended earlier in this turn
    std::array<char, proxy_protocol::kMaxBytes> bytes;
    ssize_t n;
    do {
        n = recv(client_.get(), bytes.data(), bytes.size(), MSG_PEEK);
    } while (n < 0 && errno == EINTR);
    if (n < 0 && errno == EAGAIN) return;
    if (n <= 0) return refuse(Fault::closed);
    const auto header = proxy_protocol::parse({bytes.data(), static_cast<size_t>(n)});
    if (header.state == proxy_protocol::Parsed::State::refused) return refuse(header.fault);
    if (header.state == proxy_protocol::Parsed::State::done) return finish(header);
    if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) refuse(Fault::closed);
}

void ProxyHeaderReader::finish(const proxy_protocol::Parsed& header) {
    std::array<char, proxy_protocol::kMaxBytes> bytes;
    // All of it is there: it has just been looked at.
    if (recv(client_.get(), bytes.data(), header.bytes, 0) != static_cast<ssize_t>(header.bytes)) {
        return refuse(Fault::closed);
    }
    worker_.counters.proxy_headers.add();
    UniqueFd client = std::move(client_);
    const SocketAddress who = header.source.value_or(peer_);
    const Serve serve = serve_;
    end();
    serve(std::move(client), who);
}

void ProxyHeaderReader::on_sweep(TimePoint now) {
    if (client_ && now >= deadline_) refuse(Fault::timeout);
}

void ProxyHeaderReader::refuse(Fault fault) {
    worker_.counters.proxy_faults[static_cast<size_t>(fault)].add();
    const linger now{1, 0};
    setsockopt(client_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    end();
}

void ProxyHeaderReader::end() {
    client_.reset();
    worker_.sessions.remove(this);
}

}  // namespace steelyard
