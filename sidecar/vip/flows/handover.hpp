#pragma once
// Which addresses' connections stay with the node that had the address: this node's, which it keeps after an address has moved on in order;
// and others', to whom it sends on what it does not know of an address that it has from them. Decides; never waits, never reads a clock.
// One thread.
//
// A group is what one virtual router held. It is kept until none of its addresses has a connection any more (not within kLeastKept, as
// neighbours take a moment to learn), until the limit, when what is left is reset, or until the router holds an address again.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/vip/flows/kernel.hpp"

namespace steelyard::vip {

inline constexpr Milliseconds kLeastKept{1000};
// How much longer than the limit the new holder sends on: the old one begins later than it.
inline constexpr Milliseconds kForwardMargin{2000};

struct HandoverStats {
    uint64_t kept = 0;       // addresses that were given away with connections kept
    uint64_t forwarded = 0;  // addresses that came from another node that may keep connections
    uint64_t resets = 0;     // connections that the limit has ended
    uint64_t failures = 0;   // of the kernel
};

class Handover {
public:
    using Key = std::pair<uint8_t, Family>;  // of a virtual router

    // `families`: whose rules are in force. `changed`: what kept_addresses() says has.
    Handover(std::unique_ptr<FlowKernel> kernel, std::set<Family> families, Milliseconds limit,
             std::function<void()> changed);
    ~Handover();

    // Before the addresses are taken from `from`, who may keep connections. Cheap when it is said again.
    void forward(const std::vector<Ip>& addresses, const Ip& from, int index, TimePoint now);
    // `from` keeps none any more; whoever else may.
    void stop_forwarding(const std::vector<Ip>& addresses, const Ip& from);
    // Somebody is master: what was to come from others does not come to us, unless we had it and are in between.
    void other_master(Key router, const std::vector<Ip>& addresses, const Ip& master);

    // Before the addresses are removed from the interface. `ended` is called when nothing is kept any more, unless they came back.
    void keep(Key router, const std::vector<Ip>& addresses, const Ip& own, TimePoint now, std::function<void()> ended);
    // After the address is on an interface again.
    void regain(const Ip& address);

    // Some times a second while busy().
    void tick(TimePoint now);
    bool busy() const { return !groups_.empty(); }
    // Ends all, without resets.
    void finish();

    std::vector<Ip> kept_addresses() const;
    size_t kept_connections() const;
    size_t forwarded_addresses(TimePoint now) const;
    const HandoverStats& stats() const { return stats_; }

private:
    struct Group {
        std::set<Ip> addresses;
        TimePoint since{};
        size_t connections = 0;
        std::function<void()> ended;
    };
    struct Former {
        Ip from;
        int index = 0;
        TimePoint until{};
    };
    void on_list(const Result<std::vector<Connection>>& list, TimePoint asked);
    void end(Key router);
    void failed(const Error& error);

    std::unique_ptr<FlowKernel> kernel_;
    std::set<Family> families_;
    Milliseconds limit_;
    std::function<void()> changed_;
    std::map<Key, Group> groups_;
    std::map<Ip, Former> formers_;
    HandoverStats stats_;
    bool listing_ = false, list_failed_ = false;
};

}  // namespace steelyard::vip
