#include "sidecar/vip/lease/elector.hpp"

namespace steelyard::vip {

Elector::Elector(bool by_lease, MachineOptions options) : machine_(std::in_place_type<Machine>, options) {
    if (by_lease) machine_.emplace<LeaseMachine>(options);
}

Actions Elector::start(TimePoint now) {
    return std::visit([&](auto& one) { return one.start(now); }, machine_);
}

Actions Elector::resume_as_master(TimePoint now) {
    return std::visit([&](auto& one) { return one.resume_as_master(now); }, machine_);
}

Actions Elector::on_timer(TimePoint now) {
    return std::visit([&](auto& one) { return one.on_timer(now); }, machine_);
}

Actions Elector::set_ready(bool ready, TimePoint now) {
    return std::visit([&](auto& one) { return one.set_ready(ready, now); }, machine_);
}

Actions Elector::set_link(bool up, TimePoint now) {
    return std::visit([&](auto& one) { return one.set_link(up, now); }, machine_);
}

Actions Elector::reconfigure(const MachineOptions& options, TimePoint now) {
    return std::visit([&](auto& one) { return one.reconfigure(options, now); }, machine_);
}

Actions Elector::stop(TimePoint now) {
    return std::visit([&](auto& one) { return one.stop(now); }, machine_);
}

Actions Elector::on_advert(const Advert& advert, const Ip& from, TimePoint now) {
    auto* vrrp = std::get_if<Machine>(&machine_);
    return vrrp == nullptr ? Actions{} : vrrp->on_advert(advert, from, now);
}

TimePoint Elector::deadline() const {
    return std::visit([](const auto& one) { return one.deadline(); }, machine_);
}

State Elector::state() const {
    return std::visit([](const auto& one) { return one.state(); }, machine_);
}

bool Elector::ready() const {
    return std::visit([](const auto& one) { return one.ready(); }, machine_);
}

bool Elector::link() const {
    return std::visit([](const auto& one) { return one.link(); }, machine_);
}

const MachineOptions& Elector::options() const {
    return std::visit([](const auto& one) -> const MachineOptions& { return one.options(); }, machine_);
}

const Machine::Stats& Elector::stats() const {
    return std::visit([](const auto& one) -> const Machine::Stats& { return one.stats(); }, machine_);
}

const Ip* Elector::master_address() const {
    const auto* vrrp = std::get_if<Machine>(&machine_);
    return vrrp != nullptr && vrrp->master_address() ? &*vrrp->master_address() : nullptr;
}

}  // namespace steelyard::vip
