#pragma once
// A worker's share of a UDP listener: its own SO_REUSEPORT socket, and the sessions of the clients whose datagrams the kernel gives to
// it, by the client's address (and on an unspecified address, by the local one too). Answers go out through the listener's socket.
// Owned by the worker's thread; sessions refer to it and end before it goes.
#include <array>
#include <cstdint>
#include <cstring>
#include <memory>
#include <string>
#include <unordered_map>

#include "common/net/cidr.hpp"
#include "sidecar/reactor/address_key.hpp"
#include "sidecar/session/worker_context.hpp"
#include "sidecar/udp/share.hpp"
#include "sidecar/upstream/worker_upstream.hpp"

namespace steelyard {

// Who a session is with.
struct UdpKey {
    AddressKey peer;
    std::array<unsigned char, 16> local{};  // zero unless the listener's address is unspecified
    size_t hash = 0;

    static UdpKey of(const SocketAddress& peer, const LocalAddress& local);
    friend bool operator==(const UdpKey& a, const UdpKey& b) {
        return a.hash == b.hash && a.peer == b.peer && a.local == b.local;
    }
};

struct UdpKeyHash {
    size_t operator()(const UdpKey& key) const { return key.hash; }
};

class UdpListener final : public EventHandler, public Retired {
public:
    // `share` and `worker` outlive it. `allowed`: who may begin a session; null: everybody.
    UdpListener(WorkerContext& worker, UdpShare& share, std::shared_ptr<WorkerUpstream> upstream, UniqueFd socket,
                std::shared_ptr<const std::string> name, std::shared_ptr<const net::IpRanges> allowed = nullptr);

    void on_events(uint32_t events) override;
    // Serves what waits, then takes no new client; those that have a session go on.
    void refuse_new();
    // Serves what waits, then ends its sessions and closes.
    void close();
    // Counts what the kernel dropped. Every now and then.
    void sweep();
    size_t sessions() const { return sessions_.size(); }

private:
    friend class UdpSession;
    int receive();
    void distribute();
    void forward(const UdpKey& key, DatagramBatch::Numbers which);
    UdpSession* begin_session(const UdpKey& key, const SocketAddress& peer, const LocalAddress& local);
    void forget(const UdpKey& key) { sessions_.erase(key); }
    void drop(UdpDrop why, size_t count = 1);

    WorkerContext& worker_;
    UdpShare& share_;
    const std::shared_ptr<WorkerUpstream> upstream_;
    UniqueFd socket_;
    const std::shared_ptr<const std::string> name_;
    const std::shared_ptr<const net::IpRanges> allowed_;
    std::unordered_map<UdpKey, UdpSession*, UdpKeyHash> sessions_;
    std::array<UdpKey, DatagramBatch::kSize> keys_;  // of the batch at hand
    uint32_t queue_drops_ = 0;
    bool refusing_new_ = false;
};

}  // namespace steelyard
