#include "sidecar/udp/listener.hpp"

#include <utility>

#include "sidecar/udp/session.hpp"
#include "sidecar/udp/socket.hpp"

namespace steelyard {
namespace {

// Batches taken in one turn before others get theirs.
constexpr int kBatchesPerTurn = 4;
// Batches served when the listener goes: what waits, but not a flood.
constexpr int kLastBatches = 64;

}  // namespace

UdpKey UdpKey::of(const SocketAddress& peer, const LocalAddress& local) {
    UdpKey key{AddressKey::of(peer), local.ip, 0};
    key.hash = AddressKeyHash{}(key.peer);
    if (local.family != AF_UNSPEC) {
        const std::string_view bytes(reinterpret_cast<const char*>(key.local.data()), key.local.size());
        key.hash = key.hash * 31 + std::hash<std::string_view>{}(bytes);
    }
    return key;
}

UdpListener::UdpListener(WorkerContext& worker, UdpShare& share, std::shared_ptr<WorkerUpstream> upstream,
                         UniqueFd socket, std::shared_ptr<const std::string> name,
                         std::shared_ptr<const net::IpRanges> allowed)
    : worker_(worker),
      share_(share),
      upstream_(std::move(upstream)),
      socket_(std::move(socket)),
      name_(std::move(name)),
      allowed_(std::move(allowed)) {
    worker_.reactor.add(socket_.get(), this, Reactor::Trigger::level);
}

void UdpListener::on_events(uint32_t) {
    for (int i = 0; i < kBatchesPerTurn && socket_; ++i) {
        if (receive() < static_cast<int>(DatagramBatch::kSize)) return;
    }
}

// Takes a batch and passes it on. How many there were.
int UdpListener::receive() {
    const int count = share_.batch.receive(socket_.get());
    if (count > 0) distribute();
    return count;
}

void UdpListener::distribute() {
    const DatagramBatch& batch = share_.batch;
    std::array<bool, DatagramBatch::kSize> done{};
    for (size_t i = 0; i < batch.size(); ++i) {
        keys_[i] = UdpKey::of(batch.peer(i), batch.local(i));
        if (!batch.truncated(i)) continue;
        done[i] = true;
        drop(UdpDrop::truncated);
    }
    for (size_t i = 0; i < batch.size(); ++i) {
        if (done[i]) continue;
        // Those of one client go out in one call, in their order.
        std::array<uint8_t, DatagramBatch::kSize> which;
        size_t count = 0;
        for (size_t j = i; j < batch.size(); ++j) {
            if (done[j] || !(keys_[j] == keys_[i])) continue;
            done[j] = true;
            which[count++] = static_cast<uint8_t>(j);
        }
        forward(keys_[i], {which.data(), count});
    }
}

void UdpListener::forward(const UdpKey& key, DatagramBatch::Numbers which) {
    const auto known = sessions_.find(key);
    if (known != sessions_.end()) return known->second->forward(which);
    if (allowed_ && !allowed_->contains(key.peer.ip)) return drop(UdpDrop::source_range, which.size());
    const auto* snapshot = upstream_->snapshot();
    if (refusing_new_) return drop(UdpDrop::draining, which.size());
    if (snapshot == nullptr) return drop(UdpDrop::no_host, which.size());
    if (snapshot->protocol != config::Protocol::udp) return drop(UdpDrop::wrong_protocol, which.size());
    const DatagramBatch& batch = share_.batch;
    auto* session = begin_session(key, batch.peer(which[0]), batch.local(which[0]));
    if (session == nullptr) return drop(UdpDrop::no_host, which.size());
    session->forward(which);
}

UdpSession* UdpListener::begin_session(const UdpKey& key, const SocketAddress& peer, const LocalAddress& local) {
    if (share_.sessions.size() >= share_.max_sessions) {
        upstream_->counters().udp.evicted.add();
        share_.sessions.idlest()->end("evicted");
    }
    auto owned = std::make_unique<UdpSession>(*this, key, peer, local);
    UdpSession* session = owned.get();
    sessions_.emplace(key, session);
    worker_.sessions.add(std::move(owned));
    if (session->begin()) return session;
    session->end(to_string(Failure::no_host));
    return nullptr;
}

void UdpListener::drop(UdpDrop why, size_t count) {
    upstream_->counters().udp.drops[static_cast<size_t>(why)].add(count);
}

void UdpListener::refuse_new() {
    for (int i = 0; i < kLastBatches && receive() > 0; ++i) {}
    refusing_new_ = true;
}

void UdpListener::close() {
    if (!socket_) return;
    for (int i = 0; i < kLastBatches && receive() > 0; ++i) {}
    sweep();
    while (!sessions_.empty()) sessions_.begin()->second->end({});
    socket_.reset();
}

void UdpListener::sweep() {
    if (!socket_) return;
    const uint32_t drops = queue_drops(socket_.get());
    drop(UdpDrop::queue_full, drops - std::exchange(queue_drops_, drops));
}

}  // namespace steelyard
