#pragma once
// Active checks of what the runtime balances to: each upstream's hosts are the prober's targets, and what the prober finds becomes their
// health. Main thread only.
#include <functional>
#include <memory>
#include <string>

#include "common/net/asio.hpp"
#include "sidecar/health/prober.hpp"
#include "sidecar/runtime/runtime.hpp"

namespace steelyard {

class ActiveHealth {
public:
    // on_change: a host's health is another than before.
    ActiveHealth(asio::io_context& io, Runtime& runtime, std::function<void()> on_change);

    void stop() { prober_.stop(); }
    const health::Prober& prober() const { return prober_; }

private:
    void on_upstream(const std::string& name, const std::shared_ptr<const UpstreamSnapshot>& snapshot);
    void on_transition(const std::string& upstream, const std::string& id, health::HealthMachine::State state);

    Runtime& runtime_;
    const std::function<void()> on_change_;
    health::Prober prober_;
};

}  // namespace steelyard
