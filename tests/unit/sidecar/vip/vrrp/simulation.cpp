#include "simulation.hpp"

#include <gtest/gtest.h>

#include <utility>

namespace steelyard::vip {

Simulation::Simulation(uint64_t seed, const std::vector<MachineOptions>& nodes) : random_(seed) {
    for (const auto& options : nodes) {
        nodes_.emplace_back();
        nodes_.back().options = options;
    }
}

void Simulation::start(size_t i, bool as_master) {
    auto& node = nodes_[i];
    ++node.generation;
    node.has_addresses = false;
    node.machine.emplace(node.options);
    node.machine->set_ready(true, now_);
    node.machine->set_link(true, now_);
    act(i, as_master ? node.machine->resume_as_master(now_) : node.machine->start(now_));
}

void Simulation::crash(size_t i) {
    nodes_[i].machine.reset();
    nodes_[i].has_addresses = false;
    nodes_[i].frozen = false;
    ++nodes_[i].generation;
}

void Simulation::stop(size_t i) {
    if (!nodes_[i].machine) return;
    act(i, nodes_[i].machine->stop(now_));
    crash(i);
}

void Simulation::set_ready(size_t i, bool ready) {
    if (nodes_[i].machine) act(i, nodes_[i].machine->set_ready(ready, now_));
}

void Simulation::thaw(size_t i, bool timer_first) {
    auto& node = nodes_[i];
    node.frozen = false;
    if (timer_first && node.machine) act(i, node.machine->on_timer(now_));
    for (const auto& delivery : std::exchange(waiting_, {})) deliver(delivery);
}

bool Simulation::run_until(TimePoint end, const std::function<bool()>& done) {
    while (!done()) {
        TimePoint next = under_way_.empty() ? TimePoint::max() : under_way_.begin()->first;
        size_t due = nodes_.size();  // none: a delivery
        for (size_t i = 0; i < nodes_.size(); ++i) {
            if (nodes_[i].machine && !nodes_[i].frozen && nodes_[i].machine->deadline() < next) {
                next = nodes_[i].machine->deadline();
                due = i;
            }
        }
        if (next > end) {
            now_ = end;
            return false;
        }
        now_ = std::max(now_, next);
        if (due < nodes_.size()) {
            act(due, nodes_[due].machine->on_timer(now_));
        } else {
            const Delivery delivery = under_way_.begin()->second;
            under_way_.erase(under_way_.begin());
            deliver(delivery);
        }
    }
    return true;
}

void Simulation::deliver(const Delivery& delivery) {
    auto& node = nodes_[delivery.to];
    if (!node.machine || node.generation != delivery.generation) return;
    if (node.frozen) return waiting_.push_back(delivery);
    if (node.component != nodes_[delivery.from].component) return;
    act(delivery.to, node.machine->on_advert(delivery.advert, nodes_[delivery.from].options.primary, now_));
}

void Simulation::act(size_t i, const Actions& actions) {
    auto& node = nodes_[i];
    if (actions.send_advert) send(i, actions.advert_priority);
    EXPECT_FALSE(actions.add_addresses && actions.remove_addresses);
    if (actions.add_addresses) {
        EXPECT_FALSE(node.has_addresses);
        node.has_addresses = true;
        ++node.takeovers;
    }
    if (actions.add_addresses || actions.announce) node.announced = now_;
    if (actions.remove_addresses) {
        EXPECT_TRUE(node.has_addresses);
        node.has_addresses = false;
        node.let_go = now_;
    }
    if (node.machine) {
        EXPECT_EQ(node.has_addresses, node.machine->state() == State::master);
    }
}

void Simulation::send(size_t i, uint8_t priority) {
    const auto& sender = nodes_[i];
    const Advert advert{sender.options.router_id, priority, sender.options.advert_interval, {}};
    for (size_t to = 0; to < nodes_.size(); ++to) {
        if (to == i || !nodes_[to].machine || nodes_[to].component != sender.component) continue;
        if (std::uniform_real_distribution<double>(0, 1)(random_) < loss) continue;
        const Duration delay{
            random(static_cast<uint64_t>(least_delay.count()), static_cast<uint64_t>(most_delay.count()))};
        under_way_.emplace(now_ + delay, Delivery{i, to, nodes_[to].generation, advert});
    }
}

std::vector<size_t> Simulation::masters() const {
    std::vector<size_t> all;
    for (size_t i = 0; i < nodes_.size(); ++i) {
        if (nodes_[i].has_addresses) all.push_back(i);
    }
    return all;
}

std::vector<size_t> Simulation::masters_in(int component) const {
    std::vector<size_t> all;
    for (const size_t i : masters()) {
        if (nodes_[i].component == component) all.push_back(i);
    }
    return all;
}

uint64_t Simulation::takeovers() const {
    uint64_t sum = 0;
    for (const auto& node : nodes_) sum += node.takeovers;
    return sum;
}

}  // namespace steelyard::vip
