#pragma once
// What one Service can have as things stand. Changes nothing. Inside of controller/ipam only.
#include <optional>
#include <string>
#include <vector>

#include "controller/ipam/state.hpp"

namespace steelyard::ipam {

struct Plan {
    std::vector<Address> addresses;  // in the order of the Service's families; empty: it can have nothing
    uint8_t router_id = 0;
    Fault fault = Fault::none;  // why it cannot have what it must have
    std::string problem;
    bool complete = false;  // everything that it wants
    bool own = false;       // what is missing is for a reason that others with the same wishes may not have
};

// Of what the Service (not placed) claims, what it may keep. `strict`: with the router id that it claims, or nullopt.
// Else with another one if need be; without any, it keeps nothing.
std::optional<Plan> plan_to_keep(State& state, const Service& service, bool strict);

// All that it wants, beginning with what it claims: plan_to_keep() has approved of that. With a fault, the plan's addresses
// are not to be used: it stays with what it has.
Plan plan_all(State& state, const Service& service);

// It has everything that it wants, as it wants it.
bool is_satisfied(State& state, const Service& service);

}  // namespace steelyard::ipam
