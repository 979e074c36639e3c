#include "controller/policy/spec.hpp"

#include <algorithm>
#include <array>

#include "common/config/prime.hpp"
#include "common/config/validate.hpp"
#include "controller/policy/reader.hpp"

namespace steelyard::policy {
namespace {

using config::Algorithm;
using config::HashKey;

constexpr size_t kMaxLabel = 63;

// A DNS label (RFC 1123): names of Services and of their ports, whose numbers are labels too.
bool is_label(std::string_view text) {
    const auto inner = [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-'; };
    return !text.empty() && text.size() <= kMaxLabel && std::all_of(text.begin(), text.end(), inner) &&
           text.front() != '-' && text.back() != '-';
}

void read_label(const Object& object, const char* name, bool required, std::string& out) {
    if (!(required ? object.required_text(name, out) : object.text(name, out)) || is_label(out)) return;
    object.wrong(name, "'" + config::shown(out) + "' is not a name (lower case letters, digits and '-', at most " +
                           std::to_string(kMaxLabel) + ")");
}

Target read_target(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context, {"group", "kind", "name", "sectionName"});
    Target target;
    std::string group;
    std::string kind = "Service";
    if (object.text("group", group) && !group.empty())
        object.wrong("group", "'" + config::shown(group) + "' is not the group of Services, \"\"");
    if (object.text("kind", kind) && kind != "Service")
        object.wrong("kind", "'" + config::shown(kind) + "' is not Service, the only kind there is a policy for");
    if (value.is_null()) context.problems.add(path, "is null, not an object");
    read_label(object, "name", true, target.service);
    read_label(object, "sectionName", false, target.section);
    return target;
}

std::vector<Target> read_targets(const Object& spec) {
    std::vector<Target> targets;
    spec.require("targetRefs", ": a policy is for at least one Service");
    spec.each("targetRefs", 1, kMaxTargets, [&](const json& value, const Path& at) {
        Target target = read_target(value, at, spec.context());
        if (!target.service.empty() && std::find(targets.begin(), targets.end(), target) != targets.end()) {
            spec.context().problems.add(at, "is named before it as well");
        }
        targets.push_back(std::move(target));
    });
    return targets;
}

std::optional<Algorithm> read_algorithm(const Object& spec) {
    constexpr std::array<std::pair<std::string_view, std::string_view>, 8> kNames{
        {{"WeightedRoundRobin", "weighted-round-robin"},
         {"RoundRobin", "round-robin"},
         {"LeastRequest", "least-request"},
         {"LeastConnections", "least-connections"},
         {"LeastResponseTime", "least-response-time"},
         {"RingHash", "ring-hash"},
         {"Maglev", "maglev"},
         {"Random", "random"}}};
    std::string given;
    if (!spec.text("algorithm", given)) return std::nullopt;
    std::string all;
    for (const auto& [name, wire] : kNames) {
        const auto known = config::parse_algorithm(wire);
        if (known && name == given) return known;
        if (known) all += (all.empty() ? "" : ", ") + std::string(name);
    }
    spec.wrong("algorithm", "'" + config::shown(given) + "' is none of " + all);
    return std::nullopt;
}

HashKey read_hash_key(const json& value, const Path& path, Context& context) {
    using Source = HashKey::Source;
    const Object object(value, path, context, {"type", "name"});
    HashKey key;
    object.require("type", " (ClientIP, Header, Cookie, Query)");
    const bool typed = object.choice("type",
                                     {{"ClientIP", Source::client_ip},
                                      {"Header", Source::header},
                                      {"Cookie", Source::cookie},
                                      {"Query", Source::query}},
                                     key.source);
    const bool named = object.text("name", key.name);
    if (!typed) return key;
    if (key.source == Source::client_ip) {
        if (named) object.wrong("name", "belongs to a key of type Header, Cookie or Query");
        key.name.clear();
        return key;
    }
    if (!object.has("name")) object.wrong("name", "is missing: the name of the " + std::string(to_string(key.source)));
    if (!named) return key;
    const std::string given = key.name;
    if (key.source == Source::header) {
        for (char& c : key.name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c;
    }
    if (!config::is_hash_name(key.source, key.name)) {
        object.wrong("name",
                     "'" + config::shown(given) + "' is not the name of a " +
                         (key.source == Source::query ? "query parameter" : std::string(to_string(key.source))));
    }
    return key;
}

void check_place(const Object& hash, const std::optional<Algorithm>& algorithm, Context& context) {
    if (!algorithm || !config::is_hashing(*algorithm)) {
        context.problems.add(hash.path(), "belongs to the algorithms RingHash and Maglev");
    } else if (*algorithm != Algorithm::ring_hash && hash.has("virtualNodes")) {
        hash.wrong("virtualNodes", "belongs to the algorithm RingHash");
    } else if (*algorithm != Algorithm::maglev && hash.has("tableSize")) {
        hash.wrong("tableSize", "belongs to the algorithm Maglev");
    }
}

ConsistentHash read_consistent_hash(const json& value, const Path& path, const Spec& spec, Context& context) {
    const Object object(value, path, context, {"key", "virtualNodes", "tableSize", "loadFactorPercent"});
    ConsistentHash hash;
    check_place(object, spec.algorithm, context);
    if (const json* key = object.find("key")) hash.key = read_hash_key(*key, path / "key", context);
    object.whole("virtualNodes", config::kVirtualNodesRange, hash.virtual_nodes);
    object.whole("tableSize", config::kTableSizeRange, hash.table_size);
    if (!config::is_prime(hash.table_size)) {
        object.wrong("tableSize", config::kTableSizeRange.complaint(std::to_string(hash.table_size)));
    }
    object.whole("loadFactorPercent", config::kLoadFactorRange, hash.load_factor_percent);
    return hash;
}

config::SlowStart read_slow_start(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context, {"window", "minimumPercent"});
    config::SlowStart slow;
    object.duration("window", config::kSlowStartRange, slow.window_ms);
    object.whole("minimumPercent", config::kPercentRange, slow.min_percent);
    return slow;
}

config::Locality read_locality(const json& value, const Path& path, Context& context) {
    using Mode = config::Locality::Mode;
    const Object object(value, path, context, {"mode", "maxRequestsPerEndpoint", "minimumHealthyPercent"});
    config::Locality locality;
    object.require("mode", " (None, PreferSameZone, PreferSameNode)");
    object.choice("mode",
                  {{"None", Mode::none}, {"PreferSameZone", Mode::same_zone}, {"PreferSameNode", Mode::same_node}},
                  locality.mode);
    object.whole("maxRequestsPerEndpoint", config::kMaxRequestsRange, locality.max_requests);
    object.whole("minimumHealthyPercent", config::kPercentRange, locality.min_healthy_percent);
    return locality;
}

config::UpstreamTimeouts read_timeouts(const json& value, const Path& path, Context& context) {
    const Object object(value, path, context, {"connect", "response", "idle", "tunnelIdle", "udpIdle"});
    config::UpstreamTimeouts timeouts;
    object.duration("connect", config::kUpstreamTimeoutRange, timeouts.connect_ms);
    object.duration("response", config::kUpstreamTimeoutRange, timeouts.response_ms);
    object.duration("idle", config::kUpstreamTimeoutRange, timeouts.idle_ms);
    object.duration("tunnelIdle", config::kUpstreamTimeoutRange, timeouts.tunnel_idle_ms);
    object.duration("udpIdle", config::kUpstreamTimeoutRange, timeouts.udp_idle_ms);
    return timeouts;
}

Spec read(const Object& object, Context& context) {
    Spec spec;
    const auto member = [&](const char* name, auto reader, auto& out) {
        if (const json* value = object.find(name)) out = reader(*value, object.path() / name, context);
    };
    spec.targets = read_targets(object);
    spec.algorithm = read_algorithm(object);
    member(
        "consistentHash",
        [&](const json& value, const Path& path, Context&) { return read_consistent_hash(value, path, spec, context); },
        spec.consistent_hash);
    member("slowStart", read_slow_start, spec.slow_start);
    member("locality", read_locality, spec.locality);
    member("healthCheck", read_health_check, spec.health_check);
    uint32_t drain = 0;
    object.duration("drainTimeout", config::kDrainRange, drain);
    if (object.has("drainTimeout")) spec.drain_timeout_ms = drain;
    using config::ProxyProtocol;
    ProxyProtocol protocol{};
    if (object.choice("proxyProtocol",
                      {{"None", ProxyProtocol::none}, {"V1", ProxyProtocol::v1}, {"V2", ProxyProtocol::v2}},
                      protocol)) {
        spec.proxy_protocol = protocol;
    }
    member("timeouts", read_timeouts, spec.timeouts);
    member("http", read_http, spec.http);
    return spec;
}

}  // namespace

Reading read_spec(const json& value, Unknown unknown) {
    Context context;
    context.unknown = unknown;
    const Path root;
    const Path path = root / "spec";
    Reading reading;
    if (value.is_null()) {
        context.problems.add(path, "is missing");
    } else {
        const Object object(value, path, context,
                            {"targetRefs", "algorithm", "consistentHash", "slowStart", "locality", "healthCheck",
                             "drainTimeout", "proxyProtocol", "timeouts", "http"});
        if (value.is_object()) reading.spec = read(object, context);
    }
    reading.problems = context.problems.errors();
    reading.ignored = std::move(context.ignored);
    return reading;
}

void Spec::apply(config::Policy& policy) const {
    if (algorithm) policy.algorithm = *algorithm;
    if (consistent_hash) {
        policy.hash = consistent_hash->key;
        policy.virtual_nodes = consistent_hash->virtual_nodes;
        policy.table_size = consistent_hash->table_size;
        policy.load_factor_percent = consistent_hash->load_factor_percent;
    }
    if (slow_start) policy.slow_start = slow_start;
    if (locality) policy.locality = *locality;
    if (health_check) policy.health_check = health_check;
    if (drain_timeout_ms) policy.drain_timeout_ms = *drain_timeout_ms;
    if (proxy_protocol) policy.proxy_protocol = *proxy_protocol;
    if (timeouts) policy.timeouts = *timeouts;
    if (http) policy.http = *http;
}

}  // namespace steelyard::policy
