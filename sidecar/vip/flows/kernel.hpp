#pragma once
// What moves flows in the kernel: packet rules, local routes, connections. One thread, the io_context's; calls take as long as the kernel
// does, microseconds, but for install(), which runs nft, and count(), which reads a list in pieces.
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "sidecar/vip/flows/messages.hpp"

namespace boost::asio {
class io_context;
}

namespace steelyard::vip {

class FlowKernel {
public:
    virtual ~FlowKernel() = default;

    // What of connections to `address` is not known here goes to `to`, over the interface, for `time`; nothing to anybody else.
    virtual Result<void> forward(const Ip& address, const Ip& to, int index, Milliseconds time) = 0;
    virtual void stop_forwarding(const Ip& address) = 0;
    // The address is the node's own, and no neighbour learns it from us; `own` is what they hear instead. At most for `time`, as far
    // as neighbours are concerned.
    virtual Result<void> keep(const Ip& address, const Ip& own, Milliseconds time) = 0;
    virtual void let_go(const Ip& address) = 0;
    // All TCP connections of the node, listed soon or within the call. Not again before `done` was called.
    virtual void list(std::function<void(Result<std::vector<Connection>>)> done) = 0;
    virtual void reset(const Connection& connection) = 0;
};

// With nft's rules of the family in force, or why they can not be. To be called before rights are given up: nft needs NET_ADMIN, too.
Result<void> install_flow_rules(Family family, const std::string& nft);

class NetlinkFlowKernel final : public FlowKernel {
public:
    // Local routes that an earlier run has left are removed.
    static Result<std::unique_ptr<NetlinkFlowKernel>> open(boost::asio::io_context& io);
    // Removes the rules of both families.
    ~NetlinkFlowKernel() override;

    Result<void> forward(const Ip& address, const Ip& to, int index, Milliseconds time) override;
    void stop_forwarding(const Ip& address) override;
    Result<void> keep(const Ip& address, const Ip& own, Milliseconds time) override;
    void let_go(const Ip& address) override;
    void list(std::function<void(Result<std::vector<Connection>>)> done) override;
    void reset(const Connection& connection) override;

private:
    struct Core;
    explicit NetlinkFlowKernel(std::shared_ptr<Core> core);
    std::shared_ptr<Core> core_;  // what was posted ends with it
};

}  // namespace steelyard::vip
