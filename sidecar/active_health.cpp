#include "sidecar/active_health.hpp"

#include <random>
#include <utility>
#include <vector>

#include "common/log.hpp"
#include "sidecar/proxy_protocol/header.hpp"
#include "sidecar/upstream/slow_start.hpp"

namespace steelyard {
namespace {

Health to_health(health::HealthMachine::State state) {
    switch (state) {
        case health::HealthMachine::State::up:
            return Health::up;
        case health::HealthMachine::State::down:
            return Health::down;
        case health::HealthMachine::State::unknown:
            break;
    }
    return Health::unknown;
}

}  // namespace

ActiveHealth::ActiveHealth(asio::io_context& io, Runtime& runtime, std::function<void()> on_change)
    : runtime_(runtime),
      on_change_(std::move(on_change)),
      prober_(io, [this](const auto& upstream, const auto& id, auto state) { on_transition(upstream, id, state); },
              {.max_in_flight = 100, .seed = std::random_device{}()}) {
    runtime_.on_upstream([this](const auto& name, const auto& snapshot) { on_upstream(name, snapshot); });
}

void ActiveHealth::on_upstream(const std::string& name, const std::shared_ptr<const UpstreamSnapshot>& snapshot) {
    const bool udp = snapshot && snapshot->protocol == config::Protocol::udp;
    if (!snapshot || !snapshot->policy.health_check || udp) {
        prober_.remove(name);
        if (!snapshot) return;
        if (udp && snapshot->policy.health_check) {
            log::warn("health: there is no active check of UDP: the endpoints of upstream {} go unchecked", name);
        }
        for (const auto& host : snapshot->hosts) host.host->health = Health::unknown;
        return;
    }
    std::vector<health::Target> targets;
    for (const auto& host : snapshot->hosts) {
        error_code error;
        const auto ip = asio::ip::make_address(host.host->address().ip(), error);
        if (!error) targets.push_back({host.host->id(), {ip, host.host->address().port()}});
    }
    prober_.set_targets(name, std::move(targets), *snapshot->policy.health_check,
                        std::string(proxy_protocol::local_header(snapshot->policy.proxy_protocol)));
    for (const auto& host : snapshot->hosts) host.host->health = to_health(prober_.state(name, host.host->id()));
}

void ActiveHealth::on_transition(const std::string& upstream, const std::string& id,
                                 health::HealthMachine::State state) {
    const auto found = runtime_.upstreams().find(upstream);
    if (found == runtime_.upstreams().end()) return;
    for (const auto& host : found->second->hosts) {
        if (host.host->id() != id) continue;
        const Health before = host.host->health.exchange(to_health(state));
        if (before == Health::down && host.host->usable()) {
            runtime_.warm_returned(upstream, *host.host, steady_ms(Clock::now()));
        }
        on_change_();
        log::info("health: {} of {} is {}", id, upstream, health::to_string(state));
        return;
    }
}

}  // namespace steelyard
