#include "sidecar/runtime/worker.hpp"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <system_error>
#include <utility>

#include "common/log.hpp"
#include "sidecar/access_log/worker_log.hpp"
#include "sidecar/http/client_connection.hpp"
#include "sidecar/l4/tunnel.hpp"
#include "sidecar/listener/proxy_header_reader.hpp"
#include "sidecar/reactor/address_key.hpp"
#include "sidecar/runtime/worker_capture.hpp"

namespace steelyard {
namespace {

constexpr Milliseconds kUdpSweep{1'000};

}  // namespace

Worker::Worker(uint32_t index, const WorkerOptions& options)
    : index_(index), options_(options), udp_(options.max_udp_sessions) {
    context_.timeouts = options.timeouts;
    context_.limits = options.limits;
    context_.forwarding = options.forwarding;
    context_.reactor.set_tick([this] { tick(); });
}

Worker::~Worker() { stop(); }

void Worker::set_access_log(access_log::WorkerLog& log) {
    context_.access_log = &log;
    UniqueFd wake(fcntl(log.wake_descriptor(), F_DUPFD_CLOEXEC, 0));
    if (!wake || !mailbox_.send(std::move(wake))) return;  // then the writer looks by itself
    context_.reactor.post([this, &log] {
        log_wake_ = mailbox_.receive();
        log.set_wake(log_wake_.get());
    });
}

void Worker::start() {
    thread_ = std::thread([this] { serve(); });
}

void Worker::serve() {
    pthread_setname_np(pthread_self(), ("worker-" + std::to_string(index_)).c_str());
    // splice(2) to a socket that is closed would end the process.
    sigset_t pipe;
    sigemptyset(&pipe);
    sigaddset(&pipe, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
    const auto [epoll, wake] = context_.reactor.descriptors();
    std::vector<int> keep = options_.kept_descriptors;
    keep.insert(keep.end(), {epoll, wake, mailbox_.receiving_end()});
    if (own_descriptor_table(keep)) table_ = gettid();
    context_.reactor.run();
    let_go();
    table_ = 0;
}

// What has descriptors goes here, where their numbers mean something, in this order: sessions use pools, and pools the reactor.
void Worker::let_go() {
    listeners_.clear();
    if (capture_) capture_->drop();
    context_.sessions.clear();
    context_.reactor.delete_retired();
    capture_.reset();
    upstreams_.clear();
    context_.pipes.clear();
    log_wake_.reset();
}

void Worker::stop() {
    if (!thread_.joinable()) return;
    context_.reactor.stop();
    thread_.join();
}

void Worker::tick() {
    context_.sessions.sweep(context_.reactor.now());
    bool idle = false;
    for (auto& [name, upstream] : upstreams_) {
        if (!upstream->has_idle()) continue;
        upstream->sweep(context_.reactor.now());
        idle = idle || upstream->has_idle();
    }
    if (context_.reactor.now() - udp_swept_ >= kUdpSweep) {
        udp_swept_ = context_.reactor.now();
        for (auto& [name, listener] : listeners_) {
            if (listener.udp) listener.udp->sweep();
        }
    }
    context_.reactor.set_ticking(idle || context_.sessions.size() != 0);
}

// Other workers have their sockets of the listener: it is served, with one core less.
bool Worker::hand_over(const std::string& listener, UniqueFd socket) {
    if (mailbox_.send(std::move(socket))) return true;
    log::error("listener {}: worker {} does not get its socket: {}", listener, index_,
               std::generic_category().message(errno));
    return false;
}

void Worker::add_listener(const std::string& name, UniqueFd socket, std::optional<config::Protocol> protocol,
                          const std::string& upstream, std::shared_ptr<const net::IpRanges> allowed) {
    if (!hand_over(name, std::move(socket))) return;
    context_.reactor.post([this, name, protocol, upstream, allowed = std::move(allowed)] {
        const auto target = upstream_of(upstream);
        const auto entrance = std::make_shared<const Entrance>(
            Entrance{target, protocol, std::make_shared<const std::string>(name), allowed});
        auto acceptor = std::make_unique<Acceptor>(
            context_, mailbox_.receive(), options_.max_sessions,
            [this, entrance](UniqueFd client, const SocketAddress& peer) { admit(entrance, std::move(client), peer); });
        listeners_[name] = {target, std::move(acceptor), nullptr};
    });
}

void Worker::add_udp_listener(const std::string& name, UniqueFd socket, const std::string& upstream,
                              std::shared_ptr<const net::IpRanges> allowed) {
    if (!hand_over(name, std::move(socket))) return;
    context_.reactor.post([this, name, upstream, allowed = std::move(allowed)] {
        const auto target = upstream_of(upstream);
        listeners_[name] = {target, nullptr,
                            std::make_unique<UdpListener>(context_, udp_, target, mailbox_.receive(),
                                                          std::make_shared<const std::string>(name), allowed)};
    });
}

std::shared_ptr<WorkerUpstream> Worker::upstream_of(const std::string& name) {
    auto& upstream = upstreams_[name];
    if (!upstream) upstream = std::make_shared<WorkerUpstream>(name, context_.reactor, index_, options_.hosts);
    return upstream;
}

void Worker::capture(std::vector<UniqueFd> sockets, std::shared_ptr<CaptureShared> shared) {
    size_t sent = 0;
    for (auto& socket : sockets) sent += hand_over("capture", std::move(socket)) ? 1 : 0;
    context_.reactor.post([this, sent, shared = std::move(shared)] {
        const auto listener = std::make_shared<const std::string>("capture");
        capture_ = std::make_unique<WorkerCapture>(
            context_, index_, shared,
            WorkerCapture::Hooks{[this](const std::string& name) { return upstream_of(name); },
                                 [this, listener](const std::shared_ptr<WorkerUpstream>& upstream, UniqueFd client,
                                                  const SocketAddress& peer) {
                                     accept(upstream, std::nullopt, std::move(client), peer, listener);
                                 }});
        for (size_t i = 0; i < sent; ++i) capture_->listen(mailbox_.receive(), options_.max_sessions);
    });
}

void Worker::set_capture_table(std::shared_ptr<const CaptureTable> table) {
    context_.reactor.post([this, table = std::move(table)]() mutable {
        if (capture_) capture_->set_table(std::move(table));
    });
}

void Worker::forget_captured(const std::string& upstream) {
    context_.reactor.post([this, upstream] {
        if (capture_) capture_->forget(upstream);
        forget_unused();
    });
}

void Worker::remove_listener(const std::string& name) {
    context_.reactor.post([this, name] {
        const auto found = listeners_.find(name);
        if (found == listeners_.end()) return;
        if (found->second.udp) {
            found->second.udp->close();
            context_.reactor.retire(std::move(found->second.udp));
        } else {
            found->second.acceptor->close();
            context_.reactor.retire(std::move(found->second.acceptor));
        }
        listeners_.erase(found);
        forget_unused();
    });
}

void Worker::forget_unused() {
    std::erase_if(upstreams_, [this](const auto& entry) {
        for (const auto& [name, listener] : listeners_) {
            if (listener.upstream == entry.second) return false;
        }
        if (capture_ && capture_->uses(entry.first)) return false;
        entry.second->abandon();  // connections that are still open hold it themselves
        return true;
    });
}

void Worker::update(const std::string& upstream, std::shared_ptr<const UpstreamSnapshot> snapshot) {
    context_.reactor.post([this, upstream, snapshot = std::move(snapshot)]() mutable {
        const auto found = upstreams_.find(upstream);
        if (found != upstreams_.end()) found->second->update(std::move(snapshot));
        if (capture_) capture_->updated(upstream);
    });
}

void Worker::set_refusal(const std::string& upstream, std::string problem) {
    context_.reactor.post([this, upstream, why = std::move(problem)]() mutable {
        const auto found = upstreams_.find(upstream);
        if (found != upstreams_.end()) found->second->set_refusal(std::move(why));
    });
}

// As enter(), once it is known who the client is.
void Worker::admit(const std::shared_ptr<const Entrance>& entrance, UniqueFd client, const SocketAddress& peer) {
    if (options_.proxy_from.empty() || !options_.proxy_from.contains(AddressKey::of(peer).ip)) {
        return enter(*entrance, std::move(client), peer);
    }
    ProxyHeaderReader::accept(
        context_, std::move(client), peer,
        [this, entrance](UniqueFd fd, const SocketAddress& who) { enter(*entrance, std::move(fd), who); });
}

void Worker::enter(const Entrance& entrance, UniqueFd client, const SocketAddress& who) {
    if (entrance.allowed && !entrance.allowed->contains(AddressKey::of(who).ip)) {
        context_.counters.refused_source.add();
        const linger at_once{1, 0};
        setsockopt(client.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
        return;
    }
    accept(entrance.upstream, entrance.protocol, std::move(client), who, entrance.listener);
}

void Worker::accept(const std::shared_ptr<WorkerUpstream>& upstream, std::optional<config::Protocol> protocol,
                    UniqueFd client, const SocketAddress& peer, const std::shared_ptr<const std::string>& listener) {
    const auto* snapshot = upstream->snapshot();
    const auto effective = protocol ? *protocol : snapshot != nullptr ? snapshot->protocol : config::Protocol::http;
    if (snapshot != nullptr && snapshot->protocol == config::Protocol::udp) {
        upstream->counters().failures[static_cast<size_t>(Failure::no_host)].add();
        return;  // nobody there would hear a stream
    }
    if (effective == config::Protocol::http) {
        http::ClientConnection::accept(context_, upstream, std::move(client), peer, listener);
    } else {
        Tunnel::accept(context_, upstream, std::move(client), peer, listener);
    }
}

void Worker::drain() {
    context_.reactor.post([this] {
        context_.draining = true;
        context_.sessions.drain();
    });
}

void Worker::close_listeners() {
    context_.reactor.post([this] {
        for (auto& [name, listener] : listeners_) {
            if (listener.udp) {
                listener.udp->refuse_new();
                continue;
            }
            listener.acceptor->close();
            context_.reactor.retire(std::move(listener.acceptor));
        }
        std::erase_if(listeners_, [](const auto& entry) { return !entry.second.udp; });
        if (capture_) capture_->close();
    });
}

void Worker::abort() {
    context_.reactor.post([this] { context_.sessions.abort(); });
}

void Worker::run(std::function<void(WorkerContext&)> task) {
    context_.reactor.post([this, task = std::move(task)] { task(context_); });
}

}  // namespace steelyard
