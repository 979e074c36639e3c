// How a Service's request is read.
#include <algorithm>

#include "controller/ipam/state.hpp"

namespace steelyard::ipam {
namespace {

std::vector<Family> wanted_families(const ServiceRequest& request) {
    std::vector<Family> families;
    const auto add = [&families](Family family) {
        if (std::ranges::count(families, family) == 0) families.push_back(family);
    };
    for (const Family family : request.families) add(family);
    const bool unsaid = families.empty();
    if (unsaid) add(Family::ipv4);
    if (request.policy == FamilyPolicy::single_stack) {
        families.resize(1);
    } else if (unsaid || request.policy == FamilyPolicy::require_dual_stack) {
        add(Family::ipv4);
        add(Family::ipv6);
    }
    return families;
}

}  // namespace

Service::Service(ServiceRequest asked) {
    read(std::move(asked));
    for (const std::string& text : request.held) {
        const Result<Address> address = parse_address(text);
        if (address && !has(address->family)) addresses.push_back(*address);
    }
    if (request.held_router_id >= 1 && request.held_router_id <= 255)
        router_id = static_cast<uint8_t>(request.held_router_id);
}

void Service::read(ServiceRequest asked) {
    request = std::move(asked);
    key = request.key();
    wanted = wanted_families(request);
    all_required = request.policy != FamilyPolicy::prefer_dual_stack;
    requested = {};
    invalid.clear();
    for (const std::string& text : request.requested) {
        const Result<Address> address = parse_address(text);
        if (!address) {
            invalid = request.requested_by + ": " + address.error().problem;
            return;
        }
        std::optional<Address>& place = requested.at(static_cast<size_t>(address->family));
        if (place && *place != *address) {
            invalid = request.requested_by + ": " + place->to_string() + " and " + address->to_string() + " are both " +
                      to_string(address->family) + ", and a Service has one address of a family";
            return;
        }
        if (std::ranges::count(wanted, address->family) == 0) {
            invalid = request.requested_by + ": " + address->to_string() + " is " + to_string(address->family) +
                      ", and by its ipFamilies and ipFamilyPolicy the Service is of " + to_string(wanted.front()) +
                      " alone";
            return;
        }
        place = *address;
    }
}

std::optional<Address> Service::has(Family family) const {
    for (const Address& address : addresses) {
        if (address.family == family) return address;
    }
    return std::nullopt;
}

}  // namespace steelyard::ipam
