#include "controller/translate/annotations.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/config/problems.hpp"
#include "common/config/validate.hpp"
#include "controller/translate/duration.hpp"
#include "controller/translate/health_check.hpp"

namespace steelyard::translate {
namespace {

constexpr const char* kReason = "InvalidAnnotation";
constexpr uint32_t kDay = 86'400'000;

std::string where(std::string_view name) { return "annotation " + std::string(name); }

void read_algorithm(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    if (const auto parsed = config::parse_algorithm(text)) {
        settings.policy.algorithm = *parsed;
    } else {
        out.refuse(kReason, where(name),
                   "'" + config::shown(text) +
                       "' is not an algorithm (round-robin, weighted-round-robin, least-request, ring-hash, "
                       "random, maglev, least-response-time, least-connections); " +
                       std::string(config::to_string(settings.policy.algorithm)) + " is in force");
    }
}

void read_hash_key(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    using Source = config::HashKey::Source;
    const size_t colon = std::min(text.find(':'), text.size());
    const auto source = config::parse_hash_source(std::string_view(text).substr(0, colon));
    if (source == Source::client_ip && colon == text.size()) return;
    if (source && source != Source::client_ip) {
        std::string key = text.substr(std::min(colon + 1, text.size()));
        if (source == Source::header) {
            std::transform(key.begin(), key.end(), key.begin(),
                           [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
        }
        if (config::is_hash_name(*source, key)) {
            settings.policy.hash = {*source, std::move(key)};
            return;
        }
    }
    out.refuse(
        kReason, where(name),
        "'" + config::shown(text) +
            "' is none of client-ip, header:NAME, cookie:NAME and query:NAME, or NAME is none; client-ip is in force");
}

void read_load_factor(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    uint32_t percent = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), percent);
    if (error == std::errc() && end == text.data() + text.size() && percent >= 100 && percent <= 1000) {
        settings.policy.load_factor_percent = percent;
    } else {
        out.refuse(
            kReason, where(name),
            "'" + config::shown(text) + "' is not a whole number of percent from 100 to 1000; no bound is in force");
    }
}

void read_virtual_nodes(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error == std::errc() && end == text.data() + text.size() && count >= 1 && count <= 1000) {
        settings.policy.virtual_nodes = count;
    } else {
        out.refuse(kReason, where(name),
                   "'" + config::shown(text) + "' is not a whole number from 1 to 1000; 150 is in force");
    }
}

void read_health_check(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    config::Problems problems;
    settings.policy.health_check = parse_health_check(text, problems);
    for (const Error& problem : problems.errors()) {
        out.refuse(kReason, where(name), problem.to_string() + "; no active health check is in force");
    }
}

void read_drain_timeout(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    if (const Result<uint32_t> parsed = parse_duration(text, 0, kDay)) {
        settings.policy.drain_timeout_ms = *parsed;
    } else {
        out.refuse(kReason, where(name), parsed.error().problem + "; 30s is in force");
    }
}

void read_slow_start(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    constexpr uint32_t kHour = 3'600'000;
    if (const Result<uint32_t> parsed = parse_duration(text, 1, kHour)) {
        settings.policy.slow_start = config::SlowStart{.window_ms = *parsed};
    } else {
        out.refuse(kReason, where(name), parsed.error().problem + "; no slow start is in force");
    }
}

void read_locality(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    if (const auto mode = config::parse_locality_mode(text)) {
        settings.policy.locality.mode = *mode;
    } else {
        out.refuse(kReason, where(name),
                   "'" + config::shown(text) + "' is none of prefer-same-zone, prefer-same-node and none; " +
                       std::string(config::to_string(settings.policy.locality.mode)) + " is in force");
    }
}

// Values that the API adds later are for the balancing of others, until they are known here.
void read_traffic_distribution(const std::string& text, Settings& settings, Output& out) {
    using Mode = config::Locality::Mode;
    if (text == "PreferClose" || text == "PreferSameZone") {
        settings.policy.locality.mode = Mode::same_zone;
    } else if (text == "PreferSameNode") {
        settings.policy.locality.mode = Mode::same_node;
    } else if (!text.empty()) {
        out.refuse(
            "UnknownTrafficDistribution", "spec.trafficDistribution",
            "'" + config::shown(text) +
                "' is not known (PreferSameZone, PreferClose, PreferSameNode); no host is preferred for being near");
    }
}

// A namespace's name: a DNS label (RFC 1123).
bool is_label(std::string_view text) {
    const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= 63 && std::all_of(text.begin(), text.end(), inner) && text.front() != '-' &&
           text.back() != '-';
}

std::string_view trimmed(std::string_view text) {
    while (text.starts_with(' ')) text.remove_prefix(1);
    while (text.ends_with(' ')) text.remove_suffix(1);
    return text;
}

// Refused whole when a part of it is wrong: who may have an upstream is not to be guessed.
void read_export_to(std::string_view name, const std::string& text, Settings& settings, Output& out) {
    constexpr const char* kInForce = "; it is exported to no other namespace";
    if (trimmed(text) == "*") {
        settings.export_to = {"*"};
        return;
    }
    std::vector<std::string> namespaces;
    for (std::string_view rest = text; !rest.empty() || namespaces.empty();) {
        const size_t comma = std::min(rest.find(','), rest.size());
        const std::string_view part = trimmed(rest.substr(0, comma));
        if (!is_label(part) || comma + 1 == rest.size()) {
            out.refuse(kReason, where(name),
                       "'" + config::shown(text) + "' is neither * nor a list of namespaces (such as shop,billing)" +
                           kInForce);
            return;
        }
        namespaces.emplace_back(part);
        rest.remove_prefix(std::min(comma + 1, rest.size()));
    }
    std::sort(namespaces.begin(), namespaces.end());
    namespaces.erase(std::unique(namespaces.begin(), namespaces.end()), namespaces.end());
    if (namespaces.size() > config::kMaxExports) {
        out.refuse(kReason, where(name),
                   std::to_string(namespaces.size()) + " namespaces; at most " + std::to_string(config::kMaxExports) +
                       " can be named, and * means all" + kInForce);
        return;
    }
    settings.export_to = std::move(namespaces);
}

using Read = void (*)(std::string_view name, const std::string& text, Settings& settings, Output& out);
struct Annotation {
    std::string_view name;  // without the prefix
    Read read;
};
constexpr std::string_view kHashOn = "hash-on";
constexpr std::array<Annotation, 10> kAnnotations{{{"algorithm", read_algorithm},
                                                   {"drain-timeout", read_drain_timeout},
                                                   {"export-to", read_export_to},
                                                   {"hash-key", read_hash_key},
                                                   {kHashOn, read_hash_key},
                                                   {"health-check", read_health_check},
                                                   {"load-factor", read_load_factor},
                                                   {"locality", read_locality},
                                                   {"slow-start", read_slow_start},
                                                   {"virtual-nodes", read_virtual_nodes}}};
// Said of a Service of type LoadBalancer: read where it gets its addresses and where its listeners are made.
constexpr std::array<std::string_view, 5> kOfLoadBalancers{"address-pool", "allow-shared-ip", "listener-protocol",
                                                           "loadBalancerIPs", "virtual-router-id"};

}  // namespace

Settings read_settings(const kube::Service& service, Output& out) {
    Settings settings;
    if (service.session_affinity == "ClientIP") settings.policy.algorithm = config::Algorithm::maglev;
    read_traffic_distribution(service.traffic_distribution, settings, out);
    const auto& annotations = service.meta.annotations;
    for (const auto& [name, text] : annotations) {
        if (!name.starts_with(kube::kAnnotationPrefix)) continue;
        const std::string_view setting = std::string_view(name).substr(kube::kAnnotationPrefix.size());
        const auto known = std::find_if(kAnnotations.begin(), kAnnotations.end(),
                                        [&](const Annotation& a) { return a.name == setting; });
        if (setting == kHashOn && annotations.count(std::string(kube::kAnnotationPrefix) + "hash-key") != 0) {
            out.refuse(kReason, where(name), "is the former name of hash-key, which is there too; it is ignored");
        } else if (known != kAnnotations.end()) {
            known->read(name, text, settings, out);
        } else if (std::count(kOfLoadBalancers.begin(), kOfLoadBalancers.end(), setting) != 0) {
            continue;
        } else if (name == kube::kWeightAnnotation || name == kube::kPriorityAnnotation) {
            out.refuse("UnknownAnnotation", where(name), "belongs on Pods; it is ignored here");
        } else {
            out.refuse("UnknownAnnotation", where(config::shown(name)),
                       "is not known on a Service (algorithm, drain-timeout, export-to, hash-key, health-check, "
                       "load-factor, locality, slow-start, virtual-nodes); it is ignored");
        }
    }
    return settings;
}

}  // namespace steelyard::translate
