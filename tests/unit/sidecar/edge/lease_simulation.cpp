#include "lease_simulation.hpp"

#include <algorithm>

namespace steelyard::edge {

using push::LeaseAction;
using push::LeaseGrant;

LeaseSimulation::LeaseSimulation(uint64_t seed, size_t nodes, size_t controllers, Milliseconds duration)
    : random_(seed), duration_(duration), controllers_(controllers) {
    nodes_.resize(nodes);
    for (size_t i = 0; i < nodes; ++i) {
        nodes_[i].name = "node-" + std::to_string(i);
        nodes_[i].priority = static_cast<uint8_t>(random(128, 247));
        nodes_[i].offset = Milliseconds{random(1'000'000, 9'000'000)};
        nodes_[i].rate = 1 + static_cast<double>(random(-200, 200)) / 1e6;
        start(i);
    }
}

TimePoint LeaseSimulation::time_of(const Node& node) const {
    return TimePoint{} + node.offset +
           std::chrono::microseconds{static_cast<int64_t>(1000.0 * node.rate * static_cast<double>(now_))};
}

void LeaseSimulation::start(size_t i) {
    Node& node = nodes_[i];
    node.alive = true;
    node.claims = std::make_unique<LeaseClaims>(node.name);
    node.machine = std::make_unique<vip::LeaseMachine>(vip::MachineOptions{});
    node.machine->set_ready(true, time_of(node));
    node.machine->set_link(true, time_of(node));
    node.machine->start(time_of(node));
    node.lingers_until.reset();
    node.told = {};
    node.connected = false;
    node.connect_at = now_ + random(0, 200);
}

void LeaseSimulation::crash(size_t i) {
    nodes_[i].alive = nodes_[i].connected = false;
    nodes_[i].connection = 0;
}

void LeaseSimulation::cut(size_t i, bool reaches) { nodes_[i].reaches_controllers = reaches; }

void LeaseSimulation::set_controller(size_t i, bool alive) {
    controllers_[i] = {};
    controllers_[i].alive = alive;
    for (auto& node : nodes_) {
        if (node.connected && node.controller == i) disconnect(node);  // its host is still there and says so
    }
}

void LeaseSimulation::disconnect(Node& node) {
    node.connected = false;
    node.connection = 0;
    node.connect_at = now_ + random(1, 200);
    if (node.alive) node.claims->disconnected(time_of(node));
}

void LeaseSimulation::connect(Node& node) {
    if (node.connected || now_ < node.connect_at) return;
    node.connect_at = now_ + random(1, 200);
    const auto controller = static_cast<size_t>(random(0, static_cast<int64_t>(controllers_.size()) - 1));
    if (!node.reaches_controllers || !controllers_[controller].alive) return;
    node.connected = true;
    node.connection = ++connections_;
    node.controller = controller;
    node.claims->connected(time_of(node));
}

void LeaseSimulation::run_for(int64_t ms, const std::function<void()>& check) {
    for (const int64_t end = now_ + ms; now_ < end;) {
        ++now_;
        while (!events_.empty() && events_.begin()->first <= now_) {
            const auto act = std::move(events_.begin()->second);
            events_.erase(events_.begin());
            act();
        }
        if (api_works && now_ % 20 == 0) {
            for (auto& controller : controllers_) observe(controller);
        }
        for (auto& node : nodes_) {
            if (node.alive) step(node);
        }
        check();
    }
}

void LeaseSimulation::step(Node& node) {
    connect(node);
    const TimePoint now = time_of(node);
    if (node.claims->overdue(now)) disconnect(node);
    std::vector<LeaseWant> wants;
    if (node.wants) wants.push_back({kRouter, node.priority, duration_});
    node.claims->want(wants, now);
    if (const auto claim = node.claims->next(now)) send(static_cast<size_t>(&node - nodes_.data()), *claim);
    tell(node);
    if (node.lingers_until && now_ >= *node.lingers_until) node.lingers_until.reset();
    act(node, node.machine->on_timer(now));
}

// The file is read a moment after it was written.
void LeaseSimulation::tell(Node& node) {
    const TimePoint until = node.claims->until(kRouter);
    if (until == node.told) return;
    node.told = until;
    after(random(0, 3), [this, &node, until] {
        if (node.alive) act(node, node.machine->set_lease(until, time_of(node)));
    });
}

void LeaseSimulation::act(Node& node, const vip::Actions& actions) {
    if (actions.remove_addresses && actions.linger > Duration{0}) {
        node.lingered_since = now_;
        node.lingers_until = now_ + std::chrono::duration_cast<Milliseconds>(actions.linger).count();
    }
    if (!actions.add_addresses) return;
    ++moves_;
    node.lingers_until.reset();
    if (!node.on_segment) return;
    for (auto& other : nodes_) {
        if (&other == &node) continue;
        after(random(0, 3), [this, &other] {
            if (!other.alive || !other.on_segment) return;
            other.machine->on_claim(time_of(other));
            other.lingers_until.reset();
        });
    }
}

void LeaseSimulation::send(size_t i, const push::Claim& claim) {
    const uint64_t connection = nodes_[i].connection;
    after(random(1, most_delay), [this, i, claim, connection] {
        Node& node = nodes_[i];
        Controller& controller = controllers_[node.controller];
        if (node.connection != connection || !node.reaches_controllers || !controller.alive) return;
        after(random(0, most_delay), [this, i, claim, connection, &controller] {
            push::Grant grant{claim.id, {}};
            for (const auto& one : claim.leases) grant.leases.push_back(decide(controller, nodes_[i], one));
            after(random(1, 2 * most_delay), [this, i, grant, connection] {
                Node& to = nodes_[i];
                if (to.connection == connection && to.reaches_controllers) to.claims->on_grant(grant, time_of(to));
            });
        });
    });
}

void LeaseSimulation::observe(Controller& controller) {
    if (controller.seen_version == lease_.version) return;
    controller.seen_version = lease_.version;
    controller.seen_at = now_;
}

LeaseGrant LeaseSimulation::decide(Controller& controller, const Node& node, const push::LeaseClaim& claim) {
    if (!api_works || !controller.alive) return {kRouter, false, "", 0, "", "the API server is away"};
    observe(controller);
    const bool expired = now_ >= controller.seen_at + duration_.count();
    const bool own = lease_.holder == node.name;
    const auto write = [&](const std::string& holder, uint8_t priority) {
        ++lease_.version;
        lease_.holder = holder;
        lease_.priority = priority;
        observe(controller);
    };
    if (claim.action != LeaseAction::hold) {
        if (own) write(claim.to, 0);
        return {kRouter, false, lease_.holder, 0, "", ""};
    }
    if (own || lease_.holder.empty() || expired) {
        if (!own) lease_.wanted_by.clear();
        write(node.name, node.priority);
        const bool wished = now_ < lease_.wished_at + duration_.count() && lease_.wanted_by != node.name;
        return {kRouter, true, node.name, static_cast<uint32_t>(duration_.count()), wished ? lease_.wanted_by : "", ""};
    }
    const bool stale = now_ >= lease_.wished_at + duration_.count();
    if (node.priority > lease_.priority && lease_.priority != 0 && (stale || node.priority >= lease_.wanted_priority)) {
        lease_.wanted_by = node.name;
        lease_.wanted_priority = node.priority;
        lease_.wished_at = now_;
    }
    return {kRouter, false, lease_.holder, 0, "", ""};
}

std::vector<size_t> LeaseSimulation::masters() const {
    std::vector<size_t> all;
    for (size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].is_master()) all.push_back(i);
    }
    return all;
}

size_t LeaseSimulation::best() const {
    size_t best = nodes_.size();
    for (size_t i = 0; i < nodes_.size(); ++i) {
        const Node& node = nodes_[i];
        if (!node.alive || !node.wants || !node.reaches_controllers) continue;
        if (best == nodes_.size() || node.priority > nodes_[best].priority) best = i;
    }
    return best;
}

}  // namespace steelyard::edge
