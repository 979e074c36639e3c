#pragma once
// All virtual routers of this node: begun, changed and ended as the configuration says, without disturbing those that stay as they are.
// Owns the interfaces' sockets. One thread, the io_context's.
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "common/result.hpp"
#include "sidecar/vip/config/config.hpp"
#include "sidecar/vip/config/state_file.hpp"
#include "sidecar/vip/net/rtnetlink.hpp"
#include "sidecar/vip/ports.hpp"
#include "sidecar/vip/router_runner.hpp"

namespace steelyard::vip {

class Fleet {
public:
    using Key = std::pair<uint8_t, Family>;
    using Runners = std::map<Key, std::unique_ptr<RouterRunner>>;

    // `changed`: a status has.
    Fleet(boost::asio::io_context& io, Checksum ipv4_checksum, std::function<void()> changed);
    ~Fleet();

    // `flows`: outlives it; none: connections are not kept when addresses move.
    Result<void> open(Handover* flows);
    // Once, before apply(): `state` is what an earlier run has left, of this boot. Routers that it calls master, and whose backups can not
    // have taken over yet (by a Lease: while that has not ended), go on as such; other addresses of it are removed. `ready`: of the proxy.
    void begin(const Config& config, const std::optional<StateFile>& state, uint64_t now_ms, bool ready);
    void apply(const Config& config);
    void set_ready(bool ready);
    // Each second: what waits for something tries again; what has ended is forgotten.
    void tend();
    // All give their addresses back; finished() follows within kLongestLinger.
    void stop();
    bool finished();
    void finish(bool keep);  // at once; `keep`: with the connections of the addresses

    const Runners& runners() const { return runners_; }
    bool any_master() const;
    Milliseconds shortest_interval() const;

private:
    void add(const Router& router, bool resume);
    void on_links();
    void learn_addresses(const Config& config);
    void end_missing(const std::map<Key, const Router*>& wanted, const std::set<Ip>& addresses);
    void forget_finished();

    boost::asio::io_context& io_;
    std::unique_ptr<Rtnetlink> netlink_;
    Ports ports_;
    std::set<Ip> virtual_;
    std::unique_ptr<RunnerContext> context_;
    Checksum ipv4_checksum_;
    std::function<void()> changed_;
    Runners runners_;
    std::vector<std::unique_ptr<RouterRunner>> ending_;
    bool ready_ = false;
};

}  // namespace steelyard::vip
