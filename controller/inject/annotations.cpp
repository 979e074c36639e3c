#include "controller/inject/annotations.hpp"

#include <algorithm>

#include "common/config/problems.hpp"

namespace steelyard::inject {
namespace {

Error fault(std::string_view annotation, std::string problem) {
    return {"annotation " + std::string(annotation), std::move(problem)};
}

std::string item_name(size_t index, std::string_view item) {
    return "item " + std::to_string(index + 1) + " '" + config::shown(item) + "'";
}

// What is wrong with the list before its items are looked at.
Result<std::vector<std::string_view>> items_of(std::string_view annotation, std::string_view text,
                                               std::string_view otherwise) {
    if (trimmed(text).empty()) return fault(annotation, "is empty; " + std::string(otherwise));
    auto items = split_list(text);
    if (items.size() > kMaxItems)
        return fault(annotation,
                     "has " + std::to_string(items.size()) + " items; " + std::to_string(kMaxItems) + " are the most");
    for (size_t i = 0; i < items.size(); ++i) {
        if (items[i].empty())
            return fault(annotation, "item " + std::to_string(i + 1) + " is empty; there is a comma too many");
    }
    return items;
}

// What the part after the '=' says, into `out`; or what is wrong with it.
std::string read_target(std::string_view target, std::string_view pod_namespace, DeclaredUpstream& out) {
    const size_t colon = target.find(':');
    if (colon == std::string_view::npos)
        return "'" + config::shown(target) + "' does not say which port of the Service (SERVICE.NAMESPACE:PORT)";
    const std::string_view name = target.substr(0, colon);
    const std::string_view port = target.substr(colon + 1);
    const size_t dot = name.find('.');
    const std::string_view service = name.substr(0, dot);
    const std::string_view ns = dot == std::string_view::npos ? pod_namespace : name.substr(dot + 1);
    if (!is_dns_label(service)) return "'" + config::shown(service) + "' is not the name of a Service";
    if (!is_dns_label(ns)) {
        return "'" + config::shown(ns) + "' is not the name of a namespace" +
               (ns.find('.') == std::string_view::npos ? "" : "; write SERVICE.NAMESPACE without a cluster domain");
    }
    if (!parse_port(port) && !is_port_name(port))
        return "'" + config::shown(port) + "' is neither a port (1-65535) nor the name of one";
    out.service = service;
    out.ns = ns;
    out.port = port;
    return {};
}

std::string read_upstream(std::string_view item, std::string_view pod_namespace, DeclaredUpstream& out) {
    const size_t equals = item.find('=');
    if (equals == std::string_view::npos) return "there is no '=' (PORT=SERVICE.NAMESPACE:PORT)";
    std::string_view listen = trimmed(item.substr(0, equals));
    if (listen.ends_with("/udp")) {
        out.udp = true;
        listen.remove_suffix(4);
    }
    const auto port = parse_port(listen);
    if (!port) return "'" + config::shown(listen) + "' is not a port (1-65535)";
    out.listen = *port;
    if (*port == kAdminPort || *port == kMetricsPort || *port == kCapturePort)
        return "port " + std::to_string(*port) + " is the sidecar's own (9901, 9902 and 15001 are)";
    return read_target(trimmed(item.substr(equals + 1)), pod_namespace, out);
}

// Items that each parse to a text, in order, repetitions left out.
template <class Parse>
Result<std::vector<std::string>> read_list(std::string_view annotation, std::string_view text, Parse parse) {
    const auto items = items_of(annotation, text, "leave it out to exclude nothing");
    if (!items) return items.error();
    std::vector<std::string> result;
    for (size_t i = 0; i < items->size(); ++i) {
        Result<std::string> one = parse((*items)[i]);
        if (!one) return fault(annotation, "item " + std::to_string(i + 1) + ": " + one.error().problem);
        if (std::find(result.begin(), result.end(), *one) == result.end()) result.push_back(*one);
    }
    return result;
}

}  // namespace

std::string DeclaredUpstream::flag() const {
    return std::to_string(listen) + (udp ? "/udp=" : "=") + service + "." + ns + ":" + port;
}

Result<std::vector<DeclaredUpstream>> parse_upstreams(std::string_view text, std::string_view pod_namespace) {
    const auto items = items_of(kUpstreamsAnnotation, text, "leave it out for transparent capture");
    if (!items) return items.error();
    std::vector<DeclaredUpstream> result;
    for (size_t i = 0; i < items->size(); ++i) {
        DeclaredUpstream one;
        const std::string problem = read_upstream((*items)[i], pod_namespace, one);
        if (!problem.empty()) return fault(kUpstreamsAnnotation, item_name(i, (*items)[i]) + ": " + problem);
        const auto same = std::find_if(result.begin(), result.end(), [&](const DeclaredUpstream& other) {
            return other.listen == one.listen && other.udp == one.udp;
        });
        if (same != result.end()) {
            return fault(kUpstreamsAnnotation, item_name(i, (*items)[i]) + ": port " + std::to_string(one.listen) +
                                                   " is taken by item " + std::to_string(same - result.begin() + 1));
        }
        result.push_back(std::move(one));
    }
    return result;
}

Result<std::vector<std::string>> parse_exclude_ports(std::string_view text) {
    return read_list(kExcludePortsAnnotation, text, [](std::string_view item) -> Result<std::string> {
        const auto range = parse_port_range(item);
        if (!range) return range.error();
        return range->text();
    });
}

Result<std::vector<std::string>> parse_exclude_cidrs(std::string_view text) {
    return read_list(kExcludeCidrsAnnotation, text, [](std::string_view item) { return parse_cidr(item); });
}

}  // namespace steelyard::inject
