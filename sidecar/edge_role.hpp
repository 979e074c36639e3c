#pragma once
// What a sidecar of role edge has besides its listeners: the agent of the virtual IPs, moved along by the main loop and joined to the
// connection to a controller. Main thread only.
#include <string>
#include <vector>

#include "common/net/asio.hpp"
#include "sidecar/config/client.hpp"
#include "sidecar/edge/agent.hpp"

namespace steelyard {

class EdgeRole {
public:
    EdgeRole(asio::io_context& io, edge::AgentOptions options, const config::ConfigState& state, Runtime& runtime);

    // From now on the agent ticks.
    void start();
    // What the agent finds goes to the controller, whose sessions and grants reach the agent. Before client.start().
    void join(config::ConfigClient& client);
    // The configuration or a host's health has changed: the agent looks anew, once for all that changes in this turn.
    void refresh();
    // Another node is to take this one's addresses, while connections are still taken here.
    void set_draining();
    void stop() { timer_.cancel(); }

    const edge::Agent& agent() const { return agent_; }

private:
    void follow();
    void arm();

    asio::io_context& io_;
    config::ConfigClient* client_ = nullptr;
    edge::Agent agent_;
    asio::steady_timer timer_{io_};
    bool refresh_due_ = false;
};

}  // namespace steelyard
