#include "common/push/message.hpp"

#include <algorithm>
#include <charconv>

namespace steelyard::push {

std::string_view to_string(Role role) { return role == Role::edge ? "edge" : "sidecar"; }

std::optional<Role> parse_role(std::string_view text) {
    if (text == "sidecar") return Role::sidecar;
    if (text == "edge") return Role::edge;
    return std::nullopt;
}

bool Hello::has(std::string_view feature) const {
    return std::find(features.begin(), features.end(), feature) != features.end();
}

std::string_view to_string(VirtualIpState state) {
    switch (state) {
        case VirtualIpState::init:
            return "init";
        case VirtualIpState::backup:
            return "backup";
        case VirtualIpState::master:
            return "master";
        case VirtualIpState::fault:
            break;
    }
    return "fault";
}

std::optional<VirtualIpState> parse_virtual_ip_state(std::string_view text) {
    for (const auto state :
         {VirtualIpState::init, VirtualIpState::backup, VirtualIpState::master, VirtualIpState::fault}) {
        if (text == to_string(state)) return state;
    }
    return std::nullopt;
}

std::string_view to_string(LeaseAction action) {
    switch (action) {
        case LeaseAction::hold:
            return "hold";
        case LeaseAction::release:
            return "release";
        case LeaseAction::transfer:
            break;
    }
    return "transfer";
}

std::optional<LeaseAction> parse_lease_action(std::string_view text) {
    for (const auto action : {LeaseAction::hold, LeaseAction::release, LeaseAction::transfer}) {
        if (text == to_string(action)) return action;
    }
    return std::nullopt;
}

std::string Version::to_string() const { return epoch + "." + std::to_string(counter); }

std::optional<Version> Version::parse(std::string_view text) {
    const size_t dot = text.find('.');
    if (dot == 0 || dot == std::string_view::npos || dot > 32) return std::nullopt;
    for (const char c : text.substr(0, dot)) {
        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))) return std::nullopt;
    }
    Version version{std::string(text.substr(0, dot)), 0};
    const char* end = text.data() + text.size();
    const auto [stopped, failure] = std::from_chars(text.data() + dot + 1, end, version.counter);
    if (failure != std::errc{} || stopped != end) return std::nullopt;
    return version;
}

}  // namespace steelyard::push
