#pragma once
// One virtual router of this node: ties the machine that decides (of VRRP, or of a Lease) to an interface, its sockets, addresses and
// timers. One thread, the io_context's; it outlives every callback it has given, or is destroyed between them.
//
// A router that steps down of its own will (not ready, stopped, a Lease given away) tells so by priority 0 where VRRP decides, and keeps its
// addresses until another master, or another host with the addresses, is heard or kLongestLinger is over: traffic has somewhere to go
// until neighbours know better.
#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <string>

#include "common/clock.hpp"
#include "sidecar/vip/announcements.hpp"
#include "sidecar/vip/config/config.hpp"
#include "sidecar/vip/config/state_file.hpp"
#include "sidecar/vip/conflicts.hpp"
#include "sidecar/vip/lease/elector.hpp"
#include "sidecar/vip/net/rtnetlink.hpp"
#include "sidecar/vip/ports.hpp"
#include "sidecar/vip/vrrp/packet.hpp"

namespace steelyard::vip {

class Handover;

inline constexpr Milliseconds kLongestLinger{1000};

// What all routers share. References outlive the runners.
struct RunnerContext {
    boost::asio::io_context& io;
    Rtnetlink& netlink;
    Ports& ports;
    Checksum ipv4_checksum = Checksum::pseudo_header;
    std::function<bool(const Ip&)> is_virtual;  // an address of any router of ours: never a source
    std::function<void()> changed;              // the status has, so that it is written
    Handover* flows = nullptr;                  // none: connections are not kept when addresses move
};

struct RunnerStats {
    uint64_t adverts_sent = 0, adverts_received = 0, send_failures = 0;
    uint64_t announcements = 0, conflicts = 0;
    std::array<uint64_t, static_cast<size_t>(Fault::kCount)> refused{};
};

class RouterRunner final : public Ports::Member {
public:
    RouterRunner(RunnerContext& context, Router router);
    ~RouterRunner() override;
    RouterRunner(const RouterRunner&) = delete;
    RouterRunner& operator=(const RouterRunner&) = delete;

    // `resume`: its addresses are on the interface already, and it goes on as master.
    void start(bool ready, bool resume);
    void set_ready(bool ready);
    // Interfaces or addresses have changed; also called each second while something is wrong.
    void on_links();
    // Before update() of any router: addresses that `next` has no more are given up, as another router may have them next.
    void release(const Router& next);
    // The same router id and family.
    void update(Router next);
    // finished() follows within kLongestLinger; finish() makes it at once, and may keep the addresses' connections.
    void stop();
    void finish(bool keep);
    bool finished() const { return stopped_ && !holding_; }

    void on_packet(const VrrpPacket& packet) override;
    void on_claim(const Ip& ip, const Mac& mac) override;

    const Router& router() const { return router_; }
    const Elector& machine() const { return machine_; }
    const RunnerStats& stats() const { return stats_; }
    RouterStatus status() const;
    TimePoint since() const { return since_; }

private:
    struct Timers;
    const Link* choose_link() const;
    bool resolve();
    bool find_source(const Link& link, Ip& source);
    bool take_link(const Link& link);
    void drop_link();
    MachineOptions machine_options() const;
    void apply(const Actions& actions);
    void send_advert(uint8_t priority);
    void hold();
    void let_go(bool keep = false);
    void keep_flows();
    void follow_flows(const Ip& from);
    void add(const Prefix& address);
    void remove(const Prefix& address);
    void reclaim();
    void follow_lease();
    bool is_foreign_claim();
    void tell_held();
    void announce_due();
    void conflict_due();
    void arm();
    void refuse(Fault fault);
    Duration linger() const;
    std::string label() const;

    RunnerContext& context_;
    Router router_;
    Elector machine_;
    RunnerStats stats_;
    std::shared_ptr<Timers> timers_;
    Ports::Place place_;  // index 0: no interface
    std::string interface_;
    Ip source_;
    std::string problem_;  // why it has no link
    Announcements announcements_;
    ConflictWatch conflicts_;
    std::set<Prefix> added_;  // on the interface, and ours to remove
    TimePoint since_, reclaimed_{};
    uint64_t splits_logged_ = 0;
    TimePoint split_log_{};
    bool holding_ = false, lingering_ = false, stopped_ = false;
};

}  // namespace steelyard::vip
