#include "controller/translate/annotations.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/config/problems.hpp"
#include "controller/translate/duration.hpp"
#include "controller/translate/health_check.hpp"

namespace steelyard::translate {
namespace {

constexpr const char* kReason = "InvalidAnnotation";
constexpr uint32_t kDay = 86'400'000;

std::string where(std::string_view name) { return "annotation " + std::string(name); }

void read_algorithm(std::string_view name, const std::string& text, config::Policy& policy, Output& out) {
    if (const auto parsed = config::parse_algorithm(text)) {
        policy.algorithm = *parsed;
    } else {
        out.refuse(kReason, where(name),
                   "'" + config::shown(text) +
                       "' is not an algorithm (round-robin, weighted-round-robin, least-request, ring-hash, "
                       "random); weighted-round-robin is in force");
    }
}

bool is_header_name(std::string_view name) {
    constexpr std::string_view kSpecial = "!#$%&'*+-.^_`|~";  // RFC 9110, section 5.6.2
    return !name.empty() && name.size() <= config::kMaxNameBytes && std::all_of(name.begin(), name.end(), [&](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || kSpecial.find(c) != std::string_view::npos;
    });
}

void read_hash_on(std::string_view name, const std::string& text, config::Policy& policy, Output& out) {
    constexpr std::string_view kHeader = "header:";
    if (text == "client-ip") return;
    if (text.starts_with(kHeader)) {
        std::string header = text.substr(kHeader.size());
        std::transform(header.begin(), header.end(), header.begin(),
                       [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
        if (is_header_name(header)) {
            policy.hash = {config::HashKey::Source::header, std::move(header)};
            return;
        }
    }
    out.refuse(kReason, where(name),
               "'" + config::shown(text) + "' is neither client-ip nor header:NAME; client-ip is in force");
}

void read_virtual_nodes(std::string_view name, const std::string& text, config::Policy& policy, Output& out) {
    uint32_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error == std::errc() && end == text.data() + text.size() && count >= 1 && count <= 1000) {
        policy.virtual_nodes = count;
    } else {
        out.refuse(kReason, where(name),
                   "'" + config::shown(text) + "' is not a whole number from 1 to 1000; 150 is in force");
    }
}

void read_health_check(std::string_view name, const std::string& text, config::Policy& policy, Output& out) {
    config::Problems problems;
    policy.health_check = parse_health_check(text, problems);
    for (const Error& problem : problems.errors()) {
        out.refuse(kReason, where(name), problem.to_string() + "; no active health check is in force");
    }
}

void read_drain_timeout(std::string_view name, const std::string& text, config::Policy& policy, Output& out) {
    if (const Result<uint32_t> parsed = parse_duration(text, 0, kDay)) {
        policy.drain_timeout_ms = *parsed;
    } else {
        out.refuse(kReason, where(name), parsed.error().problem + "; 30s is in force");
    }
}

using Read = void (*)(std::string_view name, const std::string& text, config::Policy& policy, Output& out);
struct Annotation {
    std::string_view name;  // without the prefix
    Read read;
};
constexpr std::array<Annotation, 5> kAnnotations{{{"algorithm", read_algorithm},
                                                  {"drain-timeout", read_drain_timeout},
                                                  {"hash-on", read_hash_on},
                                                  {"health-check", read_health_check},
                                                  {"virtual-nodes", read_virtual_nodes}}};

}  // namespace

config::Policy read_policy(const kube::ObjectMeta& service, Output& out) {
    config::Policy policy;
    for (const auto& [name, text] : service.annotations) {
        if (!name.starts_with(kube::kAnnotationPrefix)) continue;
        const std::string_view setting = std::string_view(name).substr(kube::kAnnotationPrefix.size());
        const auto known = std::find_if(kAnnotations.begin(), kAnnotations.end(),
                                        [&](const Annotation& a) { return a.name == setting; });
        if (known != kAnnotations.end()) {
            known->read(name, text, policy, out);
        } else if (name == kube::kWeightAnnotation) {
            out.refuse("UnknownAnnotation", where(name), "belongs on Pods; it is ignored here");
        } else {
            out.refuse("UnknownAnnotation", where(config::shown(name)),
                       "is not known on a Service (algorithm, drain-timeout, hash-on, health-check, virtual-nodes); it "
                       "is ignored");
        }
    }
    return policy;
}

}  // namespace steelyard::translate
