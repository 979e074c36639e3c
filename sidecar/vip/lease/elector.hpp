#pragma once
// Who says whether a virtual router's addresses are held here: the machine of VRRP or the one of a Lease, behind one face. Pure; the
// thread that feeds it owns it.
#include <optional>
#include <variant>

#include "sidecar/vip/lease/lease_machine.hpp"
#include "sidecar/vip/vrrp/machine.hpp"

namespace steelyard::vip {

class Elector {
public:
    // By a Lease, or else by VRRP. It stays what it is.
    Elector(bool by_lease, MachineOptions options);

    Actions start(TimePoint now);
    Actions resume_as_master(TimePoint now);
    Actions on_timer(TimePoint now);
    Actions set_ready(bool ready, TimePoint now);
    Actions set_link(bool up, TimePoint now);
    Actions reconfigure(const MachineOptions& options, TimePoint now);
    Actions stop(TimePoint now);
    // Of VRRP; nothing where a Lease decides.
    Actions on_advert(const Advert& advert, const Ip& from, TimePoint now);

    TimePoint deadline() const;
    State state() const;
    bool ready() const;
    bool link() const;
    const MachineOptions& options() const;
    const Machine::Stats& stats() const;
    // Whose adverts are followed; nullptr: nobody's.
    const Ip* master_address() const;
    // What the latest advert has said of its sender; nothing where a Lease decides.
    Heard heard() const {
        const auto* vrrp = std::get_if<Machine>(&machine_);
        return vrrp == nullptr ? Heard::nothing : vrrp->heard();
    }
    // nullptr: VRRP decides.
    LeaseMachine* lease() { return std::get_if<LeaseMachine>(&machine_); }
    const LeaseMachine* lease() const { return std::get_if<LeaseMachine>(&machine_); }

private:
    std::variant<Machine, LeaseMachine> machine_;
};

}  // namespace steelyard::vip
