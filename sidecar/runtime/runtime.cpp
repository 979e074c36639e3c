#include "sidecar/runtime/runtime.hpp"

#include <algorithm>
#include <utility>

#include "common/clock.hpp"
#include "common/log.hpp"
#include "sidecar/listener/original_destination.hpp"
#include "sidecar/runtime/worker_capture.hpp"
#include "sidecar/udp/socket.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {

Runtime::Runtime(Options options, const config::ConfigState& state) : options_(std::move(options)), state_(state) {
    for (uint32_t i = 0; i < options_.workers; ++i) workers_.push_back(std::make_unique<Worker>(i, options_.worker));
}

Runtime::~Runtime() = default;

// Workers first: what waits in their mailboxes is bounded.
Result<void> Runtime::start() {
    for (auto& worker : workers_) worker->start();
    if (options_.capture.port != 0) {
        if (auto opened = open_capture(); !opened) return opened;
    }
    for (const auto& declared : options_.listeners) {
        const config::Listener spec{declared.name, declared.address, declared.port,
                                    declared.udp ? config::Protocol::udp : config::Protocol::http, declared.upstream};
        if (auto opened = open(spec, std::nullopt, true); !opened) return opened;
    }
    return {};
}

// On both loopback addresses, where the kernel's `redirect` sends what a process of this machine begins.
Result<void> Runtime::open_capture() {
    const uint16_t port = options_.capture.port;
    auto shared = std::make_shared<CaptureShared>();
    shared->destination_of = options_.capture.destination_of ? options_.capture.destination_of : original_destination;
    shared->demand = [this](uint32_t worker, const std::string& upstream) {
        options_.capture.post([this, worker, upstream] { demand(worker, upstream); });
    };
    const bool has_ipv6 = static_cast<bool>(open_listener("::1", 0));
    for (auto& worker : workers_) {
        std::vector<UniqueFd> sockets;
        for (const char* ip : {"127.0.0.1", "::1"}) {
            if (ip[0] == ':' && !has_ipv6) continue;
            auto socket = open_listener(ip, port);
            if (!socket) return socket.error();
            sockets.push_back(std::move(*socket));
        }
        worker->capture(std::move(sockets), shared);
    }
    log::info("capturing what is redirected to port {}{}", port, has_ipv6 ? "" : " (IPv4 only: there is no ::1)");
    return {};
}

// A worker has a connection for an upstream that it does not have.
void Runtime::demand(uint32_t worker, const std::string& upstream) {
    if (const auto view = state_.find(upstream); !view || view.upstream->name != upstream) {
        return workers_[worker]->update(upstream, nullptr);
    }
    if (!capture_.demanded(upstream)) log::info("upstream {} is built for captured connections", upstream);
    capture_.demand(upstream, Clock::now());
    const auto known = wanted_.find(upstream);
    if (known != wanted_.end() && !known->second.empty()) {
        return workers_[worker]->update(upstream, current_[known->second]);
    }
    refresh(upstream, false);
}

void Runtime::give_up(const std::string& upstream) {
    capture_.forget(upstream);
    for (auto& worker : workers_) worker->forget_captured(upstream);
}

// Connections that come while this is under way are passed through, or wait.
void Runtime::apply_capture(const config::ChangeSet& changes) {
    if (options_.capture.port == 0 || !capture_.update(state_, changes)) return;
    for (auto& worker : workers_) worker->set_capture_table(capture_.table());
}

void Runtime::sweep(TimePoint now) {
    const auto served = [this](const std::string& name) -> std::optional<uint64_t> {
        const auto found = stats_.find(name);
        if (found == stats_.end()) return 0;
        uint64_t total = 0;
        for (size_t i = 0; i < found->second->workers(); ++i) {
            const UpstreamCounters& share = found->second->worker(i);
            if (share.active_connections.get() != 0) return std::nullopt;
            total += share.captured.get() + share.sessions.get();
            for (const auto& responses : share.responses) total += responses.get();
            for (const auto& failures : share.failures) total += failures.get();
        }
        return total;
    };
    const auto idle = capture_.idle(now, options_.capture.idle_timeout, served);
    for (const auto& name : idle) {
        log::info("upstream {} is given up: it has served no captured connection for {} s", name,
                  options_.capture.idle_timeout.count() / 1000);
        give_up(name);
    }
    if (!idle.empty()) drop_unused();
    for (const auto& name : idle) {
        if (!current_.contains(name)) stats_.erase(name);
    }
    registry_.sweep();
}

void Runtime::apply(const config::ChangeSet& changes) {
    if (changes.listeners) apply_listeners();
    apply_capture(changes);
    const bool moved = learn_zone(changes);
    const auto touched = [&](const std::string& name) {
        return std::binary_search(changes.changed.begin(), changes.changed.end(), name) ||
               std::binary_search(changes.removed.begin(), changes.removed.end(), name);
    };
    for (const auto& [wanted, canonical] : wanted_) {
        if (canonical.empty() || changes.aliases || moved || touched(canonical) ||
            state_.resolve(UpstreamUse::parse(wanted).name) != canonical) {
            refresh(wanted, moved || touched(canonical));
        }
    }
    for (const auto& name : capture_.demanded()) {
        if (wanted_[name].empty()) give_up(name);
    }
    drop_unused();
}

// The node's zone, when nobody has said it: an endpoint on the same node is in the same zone. True: it is known from now on.
bool Runtime::learn_zone(const config::ChangeSet& changes) {
    Place& place = options_.place;
    if (place.node.empty() || !place.zone.empty()) return false;
    for (const auto& name : changes.changed) {
        const auto view = state_.find(name);
        if (view.slices == nullptr) continue;
        for (const auto& [slice_name, slice] : *view.slices) {
            for (const auto& endpoint : slice->endpoints) {
                if (endpoint.zone.empty() || endpoint.node != place.node) continue;
                place.zone = endpoint.zone;
                log::info("zone {}: so says endpoint {} of {}, which is on this node", place.zone, endpoint.address,
                          name);
                return true;
            }
        }
    }
    return false;
}

// Resolves what listeners call `wanted` and gives the workers its snapshot, if it is another one or `force`.
void Runtime::refresh(const std::string& wanted, bool force) {
    const UpstreamUse use = UpstreamUse::parse(wanted);
    std::string canonical(state_.resolve(use.name));
    if (!canonical.empty() && !state_.find(canonical)) canonical.clear();
    std::string& known = wanted_[wanted];
    if (known == canonical && !force) return;
    const bool moved = known != canonical;
    known = canonical;
    std::shared_ptr<const UpstreamSnapshot> snapshot;
    if (!canonical.empty()) {
        auto& current = current_[canonical];
        if (force || !current) {
            auto next = build(canonical);
            set_drain_deadlines(current.get(), next.get());
            warm_new_hosts(current.get(), *next, steady_ms(Clock::now()));
            current = std::move(next);
            local_.erase(canonical);
            if (on_upstream_) on_upstream_(canonical, current);
        }
        snapshot = use.local ? local_of(canonical) : current;
    }
    if (moved) {
        log::info("{} is {}", use.name,
                  canonical.empty() ? "not known (any more): requests are answered with 503"
                                    : "served by upstream " + canonical);
    }
    if (snapshot) warn_of_mismatch(use.name, snapshot->protocol);
    for (auto& worker : workers_) worker->update(wanted, snapshot);
}

// A listener of one kind cannot serve an upstream of the other: it answers nobody.
void Runtime::warn_of_mismatch(const std::string& wanted, config::Protocol protocol) const {
    const bool udp = protocol == config::Protocol::udp;
    for (const auto& [name, listener] : listeners_) {
        if (listener.spec.upstream != wanted || (listener.spec.protocol == config::Protocol::udp) == udp) continue;
        log::warn("listener {} takes {}, but its upstream {} is one of {}: nobody is served there", name,
                  udp ? "connections" : "datagrams", wanted, udp ? "UDP" : "TCP");
    }
}

void Runtime::set_refused(std::map<std::string, std::string> problems) {
    for (const auto& worker : workers_) {
        for (const auto& [name, problem] : refused_) {
            if (problems.count(name) == 0) worker->set_refusal(name, {});
        }
        for (const auto& [name, problem] : problems) worker->set_refusal(name, problem);
    }
    refused_ = std::move(problems);
}

// The part of the current snapshot that is on this node; health is checked of the whole.
std::shared_ptr<const UpstreamSnapshot> Runtime::local_of(const std::string& canonical) {
    auto& local = local_[canonical];
    if (!local) local = build(canonical, Distance::same_node);
    return local;
}

void Runtime::warm_returned(const std::string& canonical, Host& host, int64_t now_ms) {
    for (const auto* snapshots : {&current_, &local_}) {
        const auto found = snapshots->find(canonical);
        if (found != snapshots->end()) warm_returned_host(*found->second, host, now_ms);
    }
}

std::shared_ptr<const UpstreamSnapshot> Runtime::build(const std::string& canonical, Distance reach) {
    const auto view = state_.find(canonical);
    std::vector<const config::EndpointSlice*> slices;
    if (view.slices != nullptr) {
        for (const auto& [name, slice] : *view.slices) slices.push_back(slice.get());
    }
    auto& stats = stats_[canonical];
    if (!stats) stats = std::make_shared<UpstreamStats>(workers_.size());
    return build_snapshot(*view.upstream, slices, registry_, stats, options_.place, reach);
}

// What is in flight on a host that drains or left may go on for the drain time-out; a host that came back is not cut.
void Runtime::set_drain_deadlines(const UpstreamSnapshot* before, const UpstreamSnapshot* after) {
    const auto now = std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch()).count();
    if (after != nullptr) {
        for (const auto& host : after->hosts) {
            if (!host.draining) {
                host.host->cut_after_ms = 0;
            } else if (host.host->cut_after_ms == 0) {
                host.host->cut_after_ms = now + after->policy.drain_timeout_ms;
            }
        }
    }
    if (before == nullptr) return;
    for (const auto& host : before->hosts) {
        if (after != nullptr && after->index.contains(host.host.get())) continue;
        if (host.host->cut_after_ms == 0) host.host->cut_after_ms = now + before->policy.drain_timeout_ms;
    }
}

void Runtime::drop_unused() {
    std::set<std::string> used;
    for (const auto& [name, listener] : listeners_) used.insert(UpstreamUse::of(listener.spec).key());
    for (const auto& name : capture_.demanded()) used.insert(name);
    std::erase_if(wanted_, [&](const auto& entry) { return !used.contains(entry.first); });
    std::set<std::string> canonical;
    for (const auto& [wanted, name] : wanted_) canonical.insert(name);
    std::erase_if(current_, [&](const auto& entry) {
        if (canonical.contains(entry.first)) return false;
        local_.erase(entry.first);
        set_drain_deadlines(entry.second.get(), nullptr);
        if (on_upstream_) on_upstream_(entry.first, nullptr);
        return true;
    });
}

void Runtime::set_leaving(const std::vector<std::string>& addresses) {
    std::set<std::string> names;
    for (const auto& [name, bound] : listeners()) {
        if (std::find(addresses.begin(), addresses.end(), bound.address) != addresses.end()) names.insert(name);
    }
    const auto shared = names.empty() ? nullptr : std::make_shared<const std::set<std::string>>(std::move(names));
    for (auto& worker : workers_) worker->run([shared](WorkerContext& context) { context.leaving = shared; });
}

void Runtime::drain() {
    for (auto& worker : workers_) worker->drain();
}

void Runtime::close_listeners() {
    for (auto& worker : workers_) worker->close_listeners();
}

void Runtime::abort() {
    for (auto& worker : workers_) worker->abort();
}

void Runtime::stop() {
    for (auto& worker : workers_) worker->stop();
}

uint64_t Runtime::sessions() const {
    uint64_t total = 0;
    for (const auto& worker : workers_)
        total += worker->counters().sessions.get() + worker->counters().udp_sessions.get();
    return total;
}

bool Runtime::all_resolved() const {
    return std::all_of(wanted_.begin(), wanted_.end(), [](const auto& entry) { return !entry.second.empty(); });
}

}  // namespace steelyard
