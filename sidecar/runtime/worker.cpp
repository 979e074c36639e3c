#include "sidecar/runtime/worker.hpp"

#include <csignal>
#include <utility>

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

Worker::~Worker() {
    stop();
    // The thread is gone: what is left goes in this order, as sessions use pools and pools the reactor.
    listeners_.clear();
    if (capture_) capture_->drop();
}

void Worker::start() {
    thread_ = std::thread([this] {
        pthread_setname_np(pthread_self(), ("worker-" + std::to_string(index_)).c_str());
        // splice(2) to a socket that is closed would end the process.
        sigset_t pipe;
        sigemptyset(&pipe);
        sigaddset(&pipe, SIGPIPE);
        pthread_sigmask(SIG_BLOCK, &pipe, nullptr);
        context_.reactor.run();
    });
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

void Worker::add_listener(const std::string& name, UniqueFd socket, std::optional<config::Protocol> protocol,
                          const std::string& upstream) {
    // std::function wants copyable things: the socket travels in a shared_ptr.
    auto carried = std::make_shared<UniqueFd>(std::move(socket));
    context_.reactor.post([this, name, carried, protocol, upstream] {
        const auto target = upstream_of(upstream);
        const auto listener = std::make_shared<const std::string>(name);
        auto acceptor =
            std::make_unique<Acceptor>(context_, std::move(*carried), options_.max_sessions,
                                       [this, target, protocol, listener](UniqueFd client, const SocketAddress& peer) {
                                           admit(target, protocol, std::move(client), peer, listener);
                                       });
        listeners_[name] = {target, std::move(acceptor), nullptr};
    });
}

void Worker::add_udp_listener(const std::string& name, UniqueFd socket, const std::string& upstream) {
    auto carried = std::make_shared<UniqueFd>(std::move(socket));
    context_.reactor.post([this, name, carried, upstream] {
        const auto target = upstream_of(upstream);
        listeners_[name] = {target, nullptr,
                            std::make_unique<UdpListener>(context_, udp_, target, std::move(*carried),
                                                          std::make_shared<const std::string>(name))};
    });
}

std::shared_ptr<WorkerUpstream> Worker::upstream_of(const std::string& name) {
    auto& upstream = upstreams_[name];
    if (!upstream) upstream = std::make_shared<WorkerUpstream>(name, context_.reactor, index_, options_.pools);
    return upstream;
}

void Worker::capture(std::vector<UniqueFd> sockets, std::shared_ptr<CaptureShared> shared) {
    auto carried = std::make_shared<std::vector<UniqueFd>>(std::move(sockets));
    context_.reactor.post([this, carried, shared = std::move(shared)] {
        const auto listener = std::make_shared<const std::string>("capture");
        capture_ = std::make_unique<WorkerCapture>(
            context_, index_, shared,
            WorkerCapture::Hooks{[this](const std::string& name) { return upstream_of(name); },
                                 [this, listener](const std::shared_ptr<WorkerUpstream>& upstream, UniqueFd client,
                                                  const SocketAddress& peer) {
                                     accept(upstream, std::nullopt, std::move(client), peer, listener);
                                 }});
        for (auto& socket : *carried) capture_->listen(std::move(socket), options_.max_sessions);
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

// As accept(), once it is known who the client is.
void Worker::admit(const std::shared_ptr<WorkerUpstream>& upstream, std::optional<config::Protocol> protocol,
                   UniqueFd client, const SocketAddress& peer, const std::shared_ptr<const std::string>& listener) {
    if (options_.proxy_from.empty() || !options_.proxy_from.contains(AddressKey::of(peer).ip)) {
        return accept(upstream, protocol, std::move(client), peer, listener);
    }
    ProxyHeaderReader::accept(context_, std::move(client), peer,
                              [this, upstream, protocol, listener](UniqueFd fd, const SocketAddress& who) {
                                  accept(upstream, protocol, std::move(fd), who, listener);
                              });
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
