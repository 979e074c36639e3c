#include "controller/translate/service.hpp"

#include <algorithm>
#include <utility>

#include "common/config/problems.hpp"
#include "common/config/validate.hpp"
#include "controller/translate/address.hpp"
#include "controller/translate/annotations.hpp"
#include "controller/translate/policies.hpp"
#include "controller/translate/virtual_ip.hpp"

namespace steelyard::translate {
namespace {

std::string lower(std::string_view text) {
    std::string made(text);
    for (char& c : made) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    return made;
}

config::Protocol protocol_of(const kube::ServicePort& port) {
    if (port.protocol == "UDP") return config::Protocol::udp;
    const std::string hint =
        lower(port.app_protocol.empty() ? port.name.substr(0, port.name.find('-')) : port.app_protocol);
    return hint == "http" || hint == "kubernetes.io/ws" ? config::Protocol::http : config::Protocol::tcp;
}

// Collects what usable_ports says, or drops it.
class Refusals {
public:
    Refusals(Output* out, size_t port) : out_(out), where_("spec.ports[" + std::to_string(port) + "]") {}
    bool refuse(const char* reason, const char* field, const std::string& problem) const {
        if (out_ != nullptr) out_->refuse(reason, where_ + field, problem + "; the port is left out");
        return false;
    }

private:
    Output* out_;
    std::string where_;
};

bool is_usable(const kube::ServicePort& port, const std::string& upstream, const std::vector<Port>& before,
               const Refusals& say) {
    const std::string protocol = port.protocol.empty() ? "TCP" : port.protocol;
    if (protocol != "TCP" && protocol != "UDP") {
        return say.refuse("UnsupportedProtocol", ".protocol",
                          "'" + config::shown(protocol) + "' is not balanced, only TCP and UDP are");
    }
    if (port.port < 1 || port.port > 65535) {
        return say.refuse("InvalidPort", ".port", std::to_string(port.port) + " is not a port (1-65535)");
    }
    if (!config::is_name(upstream)) {
        return say.refuse("InvalidName", ".name", "'" + config::shown(upstream) + "' is no name for an upstream");
    }
    if (std::any_of(before.begin(), before.end(),
                    [&](const Port& p) { return p.name == port.name || p.upstream == upstream; })) {
        return say.refuse("DuplicatePort", ".name",
                          "'" + config::shown(port.name) + "' is the name of a port before it as well");
    }
    return true;
}

}  // namespace

std::vector<Port> usable_ports(const kube::Service& service, Output* out) {
    std::vector<Port> ports;
    const std::string prefix = service.meta.ns + "/" + service.meta.name + ":";
    if (service.type == "ExternalName") {
        if (out != nullptr) {
            out->refuse("ExternalName", "spec.type",
                        "ExternalName (" + config::shown(service.external_name) +
                            ") has no endpoints to balance; the Service is left out");
        }
        return ports;
    }
    for (size_t i = 0; i < service.ports.size(); ++i) {
        const kube::ServicePort& port = service.ports[i];
        const std::string number = std::to_string(port.port);
        std::string upstream = prefix + (port.name.empty() ? number : port.name);
        if (!is_usable(port, upstream, ports, Refusals(out, i))) continue;
        ports.push_back({port.name, std::move(upstream), protocol_of(port), {}, static_cast<uint16_t>(port.port)});
        if (!port.name.empty() && config::is_name(prefix + number)) ports.back().aliases.push_back(prefix + number);
    }
    // A port may be named with digits: then that name is meant, not the number of another. Of two ports with one number (only
    // their protocols may differ, as with DNS) the one of TCP has it.
    for (auto port = ports.begin(); port != ports.end(); ++port) {
        std::erase_if(port->aliases, [&](const std::string& alias) {
            return std::any_of(ports.begin(), ports.end(), [&](const Port& p) { return p.upstream == alias; }) ||
                   (port->protocol == config::Protocol::udp && std::ranges::any_of(ports, [&](const Port& p) {
                        return p.protocol != config::Protocol::udp && p.number == port->number;
                    }));
        });
    }
    return ports;
}

std::vector<std::string> read_cluster_ips(const kube::Service& service, Output& out) {
    std::vector<std::string> ips;
    const bool listed = !service.cluster_ips.empty();
    const std::vector<std::string> texts = listed ? service.cluster_ips : std::vector{service.cluster_ip};
    for (size_t i = 0; i < texts.size(); ++i) {
        if (texts[i].empty() || texts[i] == "None") continue;
        const std::string where = listed ? "spec.clusterIPs[" + std::to_string(i) + "]" : "spec.clusterIP";
        const Family family = texts[i].find(':') == std::string::npos ? Family::ipv4 : Family::ipv6;
        Result<std::string> ip = backend_address(texts[i], family, false);
        if (!ip) {
            out.refuse(ip.error().where.c_str(), where, ip.error().problem + "; the address is left out");
        } else if (ips.size() == config::kMaxClusterIps) {
            out.refuse("TooManyAddresses", where,
                       "more than " + std::to_string(config::kMaxClusterIps) + " addresses; it is left out");
        } else if (std::ranges::count(ips, *ip) == 0) {
            ips.push_back(std::move(*ip));
        }
    }
    return ips;
}

// There is nothing that a check could ask of any UDP service.
void drop_health_check(const Port& port, config::Policy& policy, Output& out) {
    if (port.protocol != config::Protocol::udp || !policy.health_check) return;
    policy.health_check.reset();
    out.refuse("UnsupportedHealthCheck",
               "spec.ports[" + (port.name.empty() ? std::to_string(port.number) : port.name) + "]",
               "is of UDP, for which there is no active health check; its endpoints are not checked");
}

void translate_service(const kube::ObjectKey& key, const Options& options, View& view, Output& out) {
    const kube::Service* service = view.service(key);
    if (service == nullptr) return;
    for (const Error& problem : service->problems) {
        out.refuse("InvalidField", problem.where, problem.problem + "; the field is taken as absent");
    }
    const std::vector<Port> ports = usable_ports(*service, &out);
    if (service->type == "ExternalName") return;
    const Settings settings = read_settings(*service, out);
    const std::vector<std::string> ips = read_cluster_ips(*service, out);
    const Claims claims(key, view);
    for (const Port& port : ports) {
        const uint16_t number = ips.empty() ? uint16_t{0} : port.number;
        config::Policy policy = claims.in_force(ports, port, settings.policy);
        drop_health_check(port, policy, out);
        out.add(config::Upstream{port.upstream, port.protocol, std::move(policy), port.aliases, ips, number,
                                 settings.export_to});
    }
    translate_virtual_ip(*service, ports, options, view, out);
}

}  // namespace steelyard::translate
