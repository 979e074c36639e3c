#pragma once
// One client's datagrams to one host and back, over a connected socket of its own: what others send there does not get in, and a host
// that refuses (ICMP) is heard of. It stays with its host while that is usable, in the configuration and not found gone (silence.hpp); else
// the next datagram takes it to another. It ends when nothing has gone through for the idle time-out. Lives in its worker's session table.
#include <memory>
#include <string_view>

#include "sidecar/access_log/connection_note.hpp"
#include "sidecar/session/session.hpp"
#include "sidecar/udp/listener.hpp"
#include "sidecar/udp/silence.hpp"

namespace steelyard {

class UdpSession final : public Session, private EventHandler {
public:
    UdpSession(UdpListener& listener, const UdpKey& key, const SocketAddress& peer, const LocalAddress& local);
    ~UdpSession() override;

    // Has a host after this; else it is to end.
    bool begin();
    // Sends these datagrams of the batch to the host. What cannot be sent is dropped and counted.
    void forward(DatagramBatch::Numbers which);
    // failure: for the access log; empty: it was idle. Static storage.
    void end(std::string_view failure);
    bool ended() const { return ended_; }

    void on_sweep(TimePoint now) override;
    void on_drain() override {}  // a drained session ends sooner when it is silent, see on_sweep()
    void on_abort() override;

private:
    friend class UdpRecency;
    void on_events(uint32_t events) override;
    bool has_good_host(TimePoint now) const;
    std::shared_ptr<Host> pick_host();
    bool find_host();
    bool take_host(std::shared_ptr<Host> host);
    bool connect();
    UniqueFd open_socket();
    void host_failed(HostFault fault);
    void judge_silence(TimePoint now);
    void leave_lost_host();
    void answer();
    void count(DatagramBatch::Sent sent, bool to_host);
    void drop(UdpDrop why, size_t count = 1) { listener_.drop(why, count); }

    UdpListener& listener_;
    WorkerContext& worker_;
    const std::shared_ptr<WorkerUpstream> upstream_;
    UpstreamCounters& counters_;
    const UdpKey key_;
    const SocketAddress peer_;
    const LocalAddress local_;
    UniqueFd socket_;
    HostLease lease_;
    TriedHosts tried_;  // since the last answer
    UdpSilence silence_;
    uint64_t hash_ = 0;
    TimePoint last_;                                    // a datagram went through
    std::unique_ptr<access_log::ConnectionNote> note_;  // null: there is no access log
    UdpSession* newer_ = nullptr;                       // neighbours by recency
    UdpSession* older_ = nullptr;
    bool answered_ = false;  // by this host
    bool lost_ = false;      // the host is gone, and nothing was sent since
    bool ended_ = false;
};

}  // namespace steelyard
