#pragma once
// The program's metrics, gathered when they are asked for; and the page /routers. On the io_context's thread.
#include <prometheus/collectable.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sidecar/vip/fleet.hpp"

namespace steelyard::vip {

class Handover;

struct ProgramStats {
    uint64_t config_loads = 0, config_failures = 0;
    uint64_t state_writes = 0, state_failures = 0;
    uint64_t ready_polls = 0, ready_failures = 0;
    bool asks = false;   // there is a --ready-url
    bool ready = false;  // what was answered last
    const Handover* flows = nullptr;
    bool flows_ipv4 = false, flows_ipv6 = false;  // whose rules are in force
};

class VipCollector final : public prometheus::Collectable {
public:
    VipCollector(const Fleet& fleet, const ProgramStats& stats) : fleet_(fleet), stats_(stats) {}
    std::vector<prometheus::MetricFamily> Collect() const override;

private:
    const Fleet& fleet_;
    const ProgramStats& stats_;
};

// JSON: each router with its state, interface, figures and what is wrong with it.
std::string routers_page(const Fleet& fleet, const ProgramStats& stats);

}  // namespace steelyard::vip
