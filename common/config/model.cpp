#include "common/config/model.hpp"

#include "common/config/names.hpp"

namespace steelyard::config {
namespace {

constexpr Names<Protocol, 3> kProtocols{{{Protocol::tcp, "tcp"}, {Protocol::http, "http"}, {Protocol::udp, "udp"}}};
constexpr Names<EndpointState, 2> kStates{{{EndpointState::ready, "ready"}, {EndpointState::draining, "draining"}}};

struct KeyOf {
    ResourceKey operator()(const Listener& l) const { return {"listener", l.name, ""}; }
    ResourceKey operator()(const Upstream& u) const { return {"upstream", u.name, ""}; }
    ResourceKey operator()(const EndpointSlice& s) const { return {"endpoints", s.upstream, s.slice}; }
    ResourceKey operator()(const VirtualIp& v) const { return {"virtual_ip", v.name, ""}; }
};

}  // namespace

ResourceKey key_of(const Resource& resource) { return std::visit(KeyOf{}, resource); }

std::string_view to_string(Protocol value) { return name_of(kProtocols, value); }
std::string_view to_string(EndpointState value) { return name_of(kStates, value); }
std::optional<Protocol> parse_protocol(std::string_view text) { return value_of(kProtocols, text); }
std::optional<EndpointState> parse_endpoint_state(std::string_view text) { return value_of(kStates, text); }

}  // namespace steelyard::config
