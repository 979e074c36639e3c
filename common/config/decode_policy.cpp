#include "common/config/decode_policy.hpp"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/config/fields.hpp"
#include "common/config/limits.hpp"

namespace steelyard::config {
namespace {

using nlohmann::json;

// "200-399" or "404"; nullopt for anything else. Whether the codes make sense is validate()'s.
std::optional<StatusRange> parse_status_range(std::string_view text) {
    const auto code = [](std::string_view digits) -> std::optional<uint16_t> {
        if (digits.size() != 3 ||
            !std::all_of(digits.begin(), digits.end(), [](char c) { return c >= '0' && c <= '9'; })) {
            return std::nullopt;
        }
        return static_cast<uint16_t>((digits[0] - '0') * 100 + (digits[1] - '0') * 10 + (digits[2] - '0'));
    };
    const size_t dash = text.find('-');
    const auto first = code(text.substr(0, dash));
    const auto last = dash == std::string_view::npos ? first : code(text.substr(dash + 1));
    if (!first || !last) return std::nullopt;
    return StatusRange{*first, *last};
}

void decode_hash(const json& value, const Path& path, Problems& problems, HashKey& hash) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.choice(fields.require("source"), "source", parse_hash_source, "client-ip, header, cookie, query",
                  hash.source);
    if (hash.source == HashKey::Source::client_ip) return;
    // The name's member is called as the source is.
    fields.required_string(std::string(to_string(hash.source)).c_str(), hash.name);
    if (hash.source != HashKey::Source::header) return;
    std::transform(hash.name.begin(), hash.name.end(), hash.name.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; });
}

void decode_health(const json& value, const Path& path, Problems& problems, HealthCheck& check) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.choice(fields.find("type"), "type", parse_health_check_type, "tcp, http", check.type);
    fields.number("interval_ms", kIntervalRange, check.interval_ms);
    fields.number("timeout_ms", kTimeoutRange, check.timeout_ms);
    fields.number("rise", kRiseRange, check.rise);
    fields.number("fall", kFallRange, check.fall);
    fields.number("jitter_percent", kJitterRange, check.jitter_percent);
    fields.string("path", check.path);
    fields.string("host", check.host);
    const json* expected = fields.find("expected");
    if (expected == nullptr) return;
    std::vector<StatusRange> ranges;
    fields.list(expected, "expected", 16, [&](const json& element, const Path& at) {
        const auto range =
            element.is_string() ? parse_status_range(element.get_ref<const std::string&>()) : std::nullopt;
        if (range) {
            ranges.push_back(*range);
        } else {
            problems.add(at, "'" + shown(element.is_string() ? element.get_ref<const std::string&>() : element.dump()) +
                                 "' is neither a status code (\"404\") nor a range of them (\"200-399\")");
        }
    });
    if (problems.empty()) check.expected = std::move(ranges);
}

void decode_slow_start(const json& value, const Path& path, Problems& problems, SlowStart& slow) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.number("window_ms", kSlowStartRange, slow.window_ms);
    fields.number("min_percent", kPercentRange, slow.min_percent);
}

void decode_locality(const json& value, const Path& path, Problems& problems, Locality& locality) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.choice(fields.find("mode"), "mode", parse_locality_mode, "none, prefer-same-zone, prefer-same-node",
                  locality.mode);
    fields.number("max_requests", kMaxRequestsRange, locality.max_requests);
    fields.number("min_healthy_percent", kPercentRange, locality.min_healthy_percent);
}

void decode_timeouts(const json& value, const Path& path, Problems& problems, UpstreamTimeouts& timeouts) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.number("connect_ms", kUpstreamTimeoutRange, timeouts.connect_ms);
    fields.number("response_ms", kUpstreamTimeoutRange, timeouts.response_ms);
    fields.number("idle_ms", kUpstreamTimeoutRange, timeouts.idle_ms);
    fields.number("tunnel_idle_ms", kUpstreamTimeoutRange, timeouts.tunnel_idle_ms);
    fields.number("udp_idle_ms", kUpstreamTimeoutRange, timeouts.udp_idle_ms);
}

void decode_edits(const Fields& object, const char* key, Problems& problems, std::vector<HeaderEdit>& edits) {
    object.list(object.find(key), key, kMaxHeaderEdits, [&](const json& element, const Path& at) {
        const Fields fields{element, at, problems};
        if (!fields.is_object()) return;
        HeaderEdit& edit = edits.emplace_back();
        fields.choice(fields.require("kind"), "kind", parse_header_edit_kind, "set, add, remove", edit.kind);
        fields.required_string("name", edit.name);
        if (edit.kind != HeaderEdit::Kind::remove) fields.required_string("value", edit.value);
    });
}

void decode_redirect(const json& value, const Path& path, Problems& problems, Redirect& redirect) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.string("scheme", redirect.scheme);
    fields.string("host", redirect.host);
    fields.number("port", kPortRange, redirect.port);
    fields.number("status", kStatusRange, redirect.status);
}

void decode_compression(const json& value, const Path& path, Problems& problems, Compression& compression) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    if (const json* codings = fields.find("codings")) {
        compression.codings.clear();
        fields.list(codings, "codings", 3, [&](const json& element, const Path& at) {
            const std::string text = element.is_string() ? element.get<std::string>() : element.dump();
            if (const auto coding = parse_coding(text)) {
                compression.codings.push_back(*coding);
            } else {
                problems.add(at, "'" + shown(text) + "' is not one of gzip, br, zstd");
            }
        });
    }
    fields.number("min_bytes", kMinBytesRange, compression.min_bytes);
    fields.texts("types", kMaxCompressedTypes, compression.types);
}

void decode_http(const json& value, const Path& path, Problems& problems, HttpPolicy& http) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    const auto nested = [&](const char* key, auto decode, auto& out) {
        const json* found = fields.find(key);
        if (found != nullptr && !found->is_null()) decode(*found, path / key, problems, out.emplace());
    };
    fields.string("host", http.host);
    nested(
        "path",
        [](const json& object, const Path& at, Problems& noted, PathRewrite& rewrite) {
            const Fields members{object, at, noted};
            if (!members.is_object()) return;
            members.string("prefix", rewrite.prefix);
            members.string("replacement", rewrite.replacement);
        },
        http.path);
    nested("redirect", decode_redirect, http.redirect);
    decode_edits(fields, "request_headers", problems, http.request_headers);
    decode_edits(fields, "response_headers", problems, http.response_headers);
    nested("compression", decode_compression, http.compression);
    nested(
        "cache",
        [](const json& object, const Path& at, Problems& noted, Cache& cache) {
            const Fields members{object, at, noted};
            if (!members.is_object()) return;
            members.number("max_bytes", kCacheRange, cache.max_bytes);
            members.number("max_object_bytes", kCacheObjectRange, cache.max_object_bytes);
        },
        http.cache);
}

}  // namespace

void decode_policy(const json& value, const Path& path, Problems& problems, Policy& policy) {
    const Fields fields{value, path, problems};
    if (!fields.is_object()) return;
    fields.choice(fields.find("algorithm"), "algorithm", parse_algorithm,
                  "round-robin, weighted-round-robin, least-request, ring-hash, random, maglev, least-response-time, "
                  "least-connections",
                  policy.algorithm);
    fields.number("virtual_nodes", kVirtualNodesRange, policy.virtual_nodes);
    fields.number("table_size", kTableSizeRange, policy.table_size);
    fields.number("load_factor_percent", kLoadFactorRange, policy.load_factor_percent);
    fields.number("drain_timeout_ms", kDrainRange, policy.drain_timeout_ms);
    if (const json* hash = fields.find("hash")) decode_hash(*hash, path / "hash", problems, policy.hash);
    const json* check = fields.find("health_check");
    if (check != nullptr && !check->is_null()) {
        decode_health(*check, path / "health_check", problems, policy.health_check.emplace());
    }
    if (const json* slow = fields.find("slow_start"); slow != nullptr && !slow->is_null()) {
        decode_slow_start(*slow, path / "slow_start", problems, policy.slow_start.emplace());
    }
    if (const json* locality = fields.find("locality")) {
        decode_locality(*locality, path / "locality", problems, policy.locality);
    }
    fields.choice(fields.find("proxy_protocol"), "proxy_protocol", parse_proxy_protocol, "none, v1, v2",
                  policy.proxy_protocol);
    if (const json* timeouts = fields.find("timeouts")) {
        decode_timeouts(*timeouts, path / "timeouts", problems, policy.timeouts);
    }
    if (const json* http = fields.find("http")) decode_http(*http, path / "http", problems, policy.http);
}

}  // namespace steelyard::config
