// The listeners that run, and those that should.
#include <algorithm>
#include <utility>

#include "common/log.hpp"
#include "sidecar/reactor/transparent.hpp"
#include "sidecar/runtime/runtime.hpp"
#include "sidecar/udp/socket.hpp"

namespace steelyard {
namespace {

bool overlap(const std::string& a, const std::string& b) {
    const auto any = [](const std::string& address) { return address == "0.0.0.0" || address == "::"; };
    return a == b || any(a) || any(b);
}

// Null: everybody. What is no network was refused when the listener came in.
std::shared_ptr<const net::IpRanges> allowed_by(const config::Listener& spec) {
    if (spec.source_ranges.empty()) return nullptr;
    std::vector<net::Cidr> networks;
    for (const auto& text : spec.source_ranges) {
        if (const auto network = net::parse_cidr(text)) networks.push_back(*network);
    }
    return std::make_shared<const net::IpRanges>(networks);
}

}  // namespace

// The kernel would let both have the port, and deal connections out between them.
Result<void> Runtime::check_place(const config::Listener& spec) const {
    const bool udp = spec.protocol == config::Protocol::udp;
    if (!udp && options_.capture.port != 0 && spec.port == options_.capture.port &&
        (overlap(spec.address, "127.0.0.1") || overlap(spec.address, "::1"))) {
        return Error{host_id(spec.address, spec.port), "redirected connections are taken at this port"};
    }
    for (const auto& [name, other] : listeners_) {
        if (udp != (other.spec.protocol == config::Protocol::udp)) continue;
        if (spec.port != 0 && other.port == spec.port && overlap(other.spec.address, spec.address)) {
            return Error{host_id(spec.address, spec.port), "listener " + name + " has this port"};
        }
    }
    return {};
}

Result<void> Runtime::open(const config::Listener& spec, std::optional<config::Protocol> protocol, bool declared) {
    if (auto checked = check_place(spec); !checked) return checked;
    const bool udp = spec.protocol == config::Protocol::udp;
    std::vector<UniqueFd> sockets;
    uint16_t port = spec.port;
    for (size_t i = 0; i < workers_.size(); ++i) {
        // What is pushed may be told before its address is there: a virtual one comes when this node is to hold it.
        auto socket =
            udp ? open_udp_listener(spec.address, port, !declared) : open_listener(spec.address, port, !declared);
        if (!socket) return socket.error();
        port = bound_port(*socket);
        sockets.push_back(std::move(*socket));
    }
    const std::string use = UpstreamUse::of(spec).key();
    const auto allowed = allowed_by(spec);
    for (size_t i = 0; i < workers_.size(); ++i) {
        if (udp) {
            workers_[i]->add_udp_listener(spec.name, std::move(sockets[i]), use, allowed);
        } else {
            workers_[i]->add_listener(spec.name, std::move(sockets[i]), protocol, use, allowed);
        }
    }
    log::info("listener {} listening on {}{} for {}", spec.name, host_id(spec.address, port), udp ? " (UDP)" : "",
              spec.upstream);
    listeners_[spec.name] = {spec, protocol, port, declared};
    wanted_.try_emplace(use);
    refresh(use, true);
    return {};
}

void Runtime::close(const std::string& name) {
    for (auto& worker : workers_) worker->remove_listener(name);
    log::info("listener {} closed", name);
    listeners_.erase(name);
}

void Runtime::apply_listeners() {
    std::vector<std::string> gone;
    for (const auto& [name, listener] : listeners_) {
        if (listener.declared) continue;
        const auto found = state_.listeners().find(name);
        if (found == state_.listeners().end() || !(*found->second == listener.spec)) gone.push_back(name);
    }
    for (const auto& name : gone) close(name);
    std::erase_if(failed_, [this](const auto& entry) { return !state_.listeners().contains(entry.first); });
    for (const auto& [name, spec] : state_.listeners()) {
        if (!listeners_.contains(name)) open_pushed(*spec);
    }
}

void Runtime::open_pushed(const config::Listener& spec) {
    const auto opened = open(spec, spec.protocol, false);
    if (opened) {
        failed_.erase(spec.name);
        if (spec.transparent) check_transparency_of(spec);
        return;
    }
    Failed& failed = failed_[spec.name];
    const std::string problem = opened.error().to_string();
    if (failed.problem == problem) return;  // it is tried again and again
    ++listener_failures_;
    log::error("listener {}: {}; it is left out and tried again, the others go on", spec.name, problem);
    failed = {spec.address, spec.port, spec.upstream, problem, spec.protocol == config::Protocol::udp};
}

bool Runtime::retry_failed() {
    const size_t before = failed_.size();
    std::vector<std::string> names;
    for (const auto& [name, failed] : failed_) names.push_back(name);
    for (const auto& name : names) {
        const auto found = state_.listeners().find(name);
        if (found != state_.listeners().end()) open_pushed(*found->second);
    }
    return failed_.size() != before;
}

// Of an upstream that no listener uses, nobody checks the health.
bool Runtime::has_local_host(const std::string& upstream) const {
    const std::string_view canonical = state_.resolve(upstream);
    const auto& place = options_.place;
    const auto known = current_.find(std::string(canonical));
    if (known != current_.end()) {
        const auto local = local_.find(known->first);
        const auto& hosts = (local != local_.end() ? local : known)->second->hosts;
        return std::any_of(hosts.begin(), hosts.end(), [](const SnapshotHost& host) {
            return host.distance == Distance::same_node && !host.draining && host.host->usable();
        });
    }
    const auto view = state_.find(canonical);
    if (view.slices == nullptr || place.node.empty()) return false;
    return std::any_of(view.slices->begin(), view.slices->end(), [&](const auto& named) {
        const auto& endpoints = named.second->endpoints;
        return std::any_of(endpoints.begin(), endpoints.end(), [&](const config::Endpoint& endpoint) {
            return endpoint.node == place.node && endpoint.state == config::EndpointState::ready;
        });
    });
}

// It serves all the same: an endpoint that does not see its client's address is better than a client that is not served.
void Runtime::check_transparency_of(const config::Listener& spec) const {
    if (const auto checked = check_transparency(); !checked) {
        log::error("listener {}: its endpoints do not see clients' addresses, but this proxy's: {}", spec.name,
                   checked.error().problem);
    }
}

std::map<std::string, Runtime::Bound> Runtime::listeners() const {
    std::map<std::string, Bound> result;
    for (const auto& [name, listener] : listeners_) {
        const auto found = wanted_.find(UpstreamUse::of(listener.spec).key());
        result[name] = {listener.spec.address, listener.port, listener.spec.upstream,
                        found != wanted_.end() && !found->second.empty(),
                        listener.spec.protocol == config::Protocol::udp};
    }
    return result;
}

}  // namespace steelyard
