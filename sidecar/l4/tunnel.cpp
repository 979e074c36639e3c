#include "sidecar/l4/tunnel.hpp"

#include <netinet/in.h>

#include <cerrno>
#include <utility>

#include "sidecar/proxy_protocol/header.hpp"

namespace steelyard {

Tunnel::Tunnel(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream)
    : worker_(worker),
      upstream_(std::move(upstream)),
      counters_(upstream_->counters()),
      to_server_(client_, server_, worker.buffers, worker.pipes),
      to_client_(server_, client_, worker.buffers, worker.pipes) {
    worker_.counters.sessions.add();
    counters_.sessions.add();
    counters_.active_connections.add();
    read_policy();
}

Tunnel::~Tunnel() {
    worker_.counters.sessions.sub();
    counters_.active_connections.sub();
}

void Tunnel::read_policy() {
    connect_timeout_ = worker_.timeouts.connect;
    idle_timeout_ = worker_.timeouts.tunnel_idle;
    const auto* snapshot = upstream_->snapshot();
    if (snapshot == nullptr) return;
    const config::UpstreamTimeouts& own = snapshot->policy.timeouts;
    if (own.connect_ms != 0) connect_timeout_ = Milliseconds{own.connect_ms};
    if (own.tunnel_idle_ms != 0) idle_timeout_ = Milliseconds{own.tunnel_idle_ms};
    proxy_protocol_ = snapshot->policy.proxy_protocol;
}

void Tunnel::accept(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream, UniqueFd client,
                    const SocketAddress& peer, std::shared_ptr<const std::string> listener) {
    auto owned = std::make_unique<Tunnel>(worker, std::move(upstream));
    Tunnel& tunnel = *owned;
    worker.sessions.add(std::move(owned));
    tunnel.peer_ = peer;
    if (worker.access_log != nullptr) {
        tunnel.note_ = std::make_unique<access_log::ConnectionNote>(*worker.access_log, peer, std::move(listener),
                                                                    worker.reactor.now());
    }
    if (!tunnel.client_.adopt(worker.reactor, std::move(client))) return tunnel.end(true);
    const auto* snapshot = tunnel.upstream_->snapshot();
    if (snapshot != nullptr && config::is_hashing(snapshot->policy.algorithm)) {
        char ip[INET6_ADDRSTRLEN];
        tunnel.hash_ = balancer::hash_key({ip, peer.write_ip(ip)});
    }
    tunnel.connect_next();
}

void Tunnel::upgrade(WorkerContext& worker, std::shared_ptr<WorkerUpstream> upstream, Upgraded&& sides) {
    auto owned = std::make_unique<Tunnel>(worker, std::move(upstream));
    Tunnel& tunnel = *owned;
    worker.sessions.add(std::move(owned));
    tunnel.client_.take(worker.reactor, sides.client);
    tunnel.server_.take(worker.reactor, sides.upstream->channel);
    tunnel.upstream_->discard(sides.upstream);
    tunnel.lease_ = std::move(sides.lease);
    tunnel.lease_.add_connection();
    tunnel.note_ = std::move(sides.note);
    tunnel.to_client_.preload(std::move(sides.to_client));
    tunnel.to_server_.preload(std::move(sides.to_upstream));
    tunnel.state_ = State::relaying;
    tunnel.relay();
}

void Tunnel::connect_next() {
    while (tried_.count() < TriedHosts::kMax) {
        auto host = upstream_->pick({hash_}, tried_);
        if (!host) break;
        tried_.add(host.get());
        lease_ = HostLease(std::move(host), worker_.reactor.now());
        lease_.add_connection();
        counters_.connects.add();
        if (note_) {
            note_->add_try();
            note_->set_endpoint(lease_.host()->id());
        }
        const auto* client = upstream_->transparent() ? &peer_ : nullptr;
        const auto status = server_.connect(worker_.reactor, lease_.host()->address(), client);
        if (client != nullptr && !server_.speaks_as_client()) worker_.counters.address_lost.add();
        deadline_ = worker_.reactor.now() + connect_timeout_;
        if (status == Channel::Status::would_block) return worker_.sessions.hurry(*this);
        if (status == Channel::Status::ok) {
            note_answer(*lease_.host());
            return connected();
        }
        upstream_->note_failure(*lease_.host(), fault_of_connect(errno));
        counters_.connect_failures.add();
    }
    const Failure why = tried_.count() == 0 ? Failure::no_host : Failure::connect;
    counters_.failures[static_cast<size_t>(why)].add();
    end(true, why);
}

void Tunnel::connect_failed(HostFault fault) {
    upstream_->note_failure(*lease_.host(), fault);
    counters_.connect_failures.add();
    server_.close();
    lease_.end();
    connect_next();
}

void Tunnel::on_channel(Channel& channel) {
    if (state_ == State::ended) return;
    if (state_ == State::connecting) {
        if (&channel == &client_) {
            if (client_.broken()) end(true, Failure::client_gone);
            return;
        }
        if (!server_.writable() && !server_.broken()) return;
        if (const int error = server_.connect_error(); error != 0) return connect_failed(fault_of_connect(error));
        lease_.answered(worker_.reactor.now());
        return connected();
    }
    relay();
}

// The header goes before anything that the client has sent or will send, and is there though it sends nothing.
void Tunnel::connected() {
    state_ = State::relaying;
    if (proxy_protocol_ != config::ProxyProtocol::none) {
        Buffer header = worker_.buffers.acquire(BufferPool::kSmall);
        const SocketAddress destination = local_address(client_.fd()).value_or(peer_);
        header.commit(proxy_protocol::write(proxy_protocol_, peer_, destination, header.room()));
        to_server_.preload(std::move(header));
    }
    relay();
}

void Tunnel::relay() {
    using Direction = RelayDirection::State;
    const uint64_t up = to_server_.pump();
    const uint64_t down = to_client_.pump();
    if (up != 0) counters_.bytes_to_upstream.add(up);
    if (down != 0) counters_.bytes_to_client.add(down);
    if (note_) note_->add_bytes(up, down);
    deadline_ = worker_.reactor.now() + idle_timeout_;
    if (to_server_.state() == Direction::broken || to_client_.state() == Direction::broken)
        return end(true, broken_by());
    if (to_server_.state() == Direction::finished && to_client_.state() == Direction::finished) return end(false);
    // Nobody is left to read from or to write to, though no call has failed yet.
    if (client_.broken() || (server_.broken() && to_client_.state() == Direction::finished))
        return end(true, broken_by());
    if (to_server_.yielded()) worker_.reactor.rebind(client_.fd(), &client_);
    if (to_client_.yielded()) worker_.reactor.rebind(server_.fd(), &server_);
}

void Tunnel::on_sweep(TimePoint now) {
    if (state_ == State::connecting && now >= deadline_) return connect_failed(HostFault::silent);
    if (lease_.expired(now)) {
        counters_.drain_cuts.add();
        return end(true, Failure::timeout);
    }
    if (now >= deadline_) {
        worker_.counters.timeouts.add();
        end(true, Failure::timeout);
    }
}

void Tunnel::on_abort() {
    if (note_) note_->set_failure(access_log::kShutdown);
    end(true);
}

void Tunnel::end(bool broken, Failure why) {
    if (state_ == State::ended) return;
    state_ = State::ended;
    if (note_) {
        if (why != Failure::kCount) note_->set_failure(to_string(why));
        const auto* snapshot = upstream_->snapshot();
        note_->write(snapshot != nullptr ? snapshot->name : upstream_->name(), worker_.reactor.now());
    }
    // A stream that was cut must not look as if it had ended properly.
    if (broken) {
        client_.abort();
        server_.abort();
    }
    client_.close();
    server_.close();
    lease_.end();
    worker_.sessions.remove(this);
}

}  // namespace steelyard
