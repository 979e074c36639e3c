#include "sidecar/upstream/worker_upstream.hpp"

#include <unordered_map>
#include <utility>

#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {

uint32_t coarse_ms(TimePoint time) {
    return static_cast<uint32_t>(std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count());
}

void IdleList::push(UpstreamConnection* connection) {
    connection->newer_ = nullptr;
    connection->older_ = newest_;
    if (newest_ != nullptr) newest_->newer_ = connection;
    newest_ = connection;
    if (oldest_ == nullptr) oldest_ = connection;
    ++size_;
}

UpstreamConnection* IdleList::pop() {
    UpstreamConnection* connection = newest_;
    if (connection != nullptr) remove(connection);
    return connection;
}

void IdleList::remove(UpstreamConnection* connection) {
    (connection->newer_ != nullptr ? connection->newer_->older_ : newest_) = connection->older_;
    (connection->older_ != nullptr ? connection->older_->newer_ : oldest_) = connection->newer_;
    connection->newer_ = connection->older_ = nullptr;
    --size_;
}

void UpstreamConnection::on_channel(Channel&) {
    // Idle and readable: the backend closed, or sent what nobody asked for. Idle and writable says nothing new.
    if (channel.readable() || channel.peer_closed()) pool_.on_idle_event(this);
}

WorkerUpstream::WorkerUpstream(std::string_view key, Reactor& reactor, uint32_t worker, const HostLimits& limits)
    : use_(UpstreamUse::parse(key)), reactor_(reactor), worker_(worker), limits_(limits) {}

WorkerUpstream::~WorkerUpstream() {
    for (auto& pool : pools_) {
        while (auto* connection = pool.pop()) {
            counters_->idle_connections.sub();
            delete connection;
        }
    }
}

void WorkerUpstream::update(std::shared_ptr<const UpstreamSnapshot> snapshot) {
    std::vector<IdleList> pools(snapshot ? snapshot->hosts.size() : 0);
    for (size_t i = 0; i < pools_.size(); ++i) {
        const Host* host = snapshot_->hosts[i].host.get();
        const auto stays = snapshot ? snapshot->index.find(host) : decltype(snapshot->index.find(host)){};
        if (snapshot && stays != snapshot->index.end() && !snapshot->hosts[stays->second].draining) {
            pools[stays->second] = pools_[i];
        } else {
            close_idle(pools_[i]);
        }
    }
    pools_ = std::move(pools);
    // A plan's atomics belong to the snapshot's hosts: the old picker goes before the old snapshot does.
    picker_.reset();
    snapshot_ = std::move(snapshot);
    if (snapshot_) {
        const uint64_t seed = balancer::hash_key(use_.name) + 0x9e3779b97f4a7c15U * (worker_ + 1) +
                              static_cast<uint64_t>(reactor_.now().time_since_epoch().count());
        picker_.emplace(*snapshot_, seed);
        stats_ = snapshot_->stats;
        counters_ = &stats_->worker(worker_);
    }
}

std::shared_ptr<Host> WorkerUpstream::pick(const balancer::PickContext& context, const TriedHosts& tried) {
    if (!snapshot_) return nullptr;
    const auto& hosts = snapshot_->hosts;
    balancer::PickContext timed = context;
    timed.now_ms = coarse_ms(reactor_.now());
    const uint32_t picked = picker_->pick(timed, tried, reactor_.now());
    if (picked != balancer::kNoHost) return hosts[picked].host;
    // Nothing ready: what is serving but about to go is better than an error (KEP-1669).
    for (size_t n = 0; n < hosts.size(); ++n) {
        const auto& candidate = hosts[(draining_turn_ + n) % hosts.size()];
        if (candidate.draining && candidate.host->usable() && !tried.contains(candidate.host.get())) {
            draining_turn_ = static_cast<uint32_t>((draining_turn_ + n + 1) % hosts.size());
            return candidate.host;
        }
    }
    return nullptr;
}

void WorkerUpstream::note_failure(Host& host, HostFault fault) {
    host.failures.fetch_add(1, std::memory_order_relaxed);
    if (!snapshot_) return;
    if (steelyard::note_failure(*snapshot_, host, fault, limits_.ejection, steady_ms(reactor_.now()))) {
        counters_->ejections.add();
    }
}

IdleList* WorkerUpstream::pool_of(const Host* host) {
    if (!snapshot_) return nullptr;
    const auto found = snapshot_->index.find(host);
    return found == snapshot_->index.end() ? nullptr : &pools_[found->second];
}

UpstreamConnection* WorkerUpstream::acquire(const std::shared_ptr<Host>& host, bool fresh) {
    if (auto* pool = fresh ? nullptr : pool_of(host.get()); pool != nullptr && !pool->empty()) {
        auto* connection = pool->pop();
        --idle_total_;
        counters_->idle_connections.sub();
        counters_->reused.add();
        connection->reused = true;
        return connection;
    }
    return new UpstreamConnection(*this, host);
}

void WorkerUpstream::release(UpstreamConnection* connection) {
    auto* pool = pool_of(connection->host_.get());
    const bool welcome = pool != nullptr && !connection->personal && pool->size() < limits_.max_idle_per_host &&
                         !connection->channel.peer_closed() && !connection->channel.readable() &&
                         !snapshot_->hosts[static_cast<size_t>(pool - pools_.data())].draining;
    if (!welcome) return discard(connection);
    connection->channel.set_owner(*connection);
    connection->idle_since_ = reactor_.now();
    pool->push(connection);
    ++idle_total_;
    counters_->idle_connections.add();
}

void WorkerUpstream::discard(UpstreamConnection* connection) {
    connection->channel.close();
    reactor_.retire(std::unique_ptr<Retired>(connection));
}

void WorkerUpstream::on_idle_event(UpstreamConnection* connection) {
    if (auto* pool = pool_of(connection->host_.get())) {
        pool->remove(connection);
        --idle_total_;
        counters_->idle_connections.sub();
    }
    discard(connection);
}

void WorkerUpstream::close_idle(IdleList& list) {
    while (auto* connection = list.pop()) {
        --idle_total_;
        counters_->idle_connections.sub();
        discard(connection);
    }
}

void WorkerUpstream::sweep(TimePoint now) {
    if (idle_total_ == 0) return;
    for (auto& pool : pools_) {
        while (!pool.empty() && now - pool.oldest()->idle_since_ > limits_.idle_timeout) {
            auto* connection = pool.oldest();
            pool.remove(connection);
            --idle_total_;
            counters_->idle_connections.sub();
            discard(connection);
        }
    }
}

void HostLease::answered(TimePoint now) {
    if (!host_) return;
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(now - asked_).count();
    note_answer(*host_);
    host_->response.observe(took > 0 ? static_cast<uint64_t>(took) : 0, coarse_ms(now));
}

bool HostLease::expired(TimePoint now) const {
    if (!host_) return false;
    const int64_t cut = host_->cut_after_ms.load(std::memory_order_relaxed);
    const auto in_ms = [](TimePoint time) {
        return std::chrono::duration_cast<Milliseconds>(time.time_since_epoch()).count();
    };
    return cut != 0 && in_ms(now) >= cut && in_ms(begun_) <= cut;
}

}  // namespace steelyard
