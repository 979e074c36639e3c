// The part of a policy that is for probes: spec.healthCheck.
#include <algorithm>
#include <charconv>
#include <optional>

#include "controller/policy/reader.hpp"

namespace steelyard::policy {
namespace {

using config::HealthCheck;

constexpr size_t kMaxRanges = 16;

// "404" or "200-399".
std::optional<config::StatusRange> parse_range(std::string_view text) {
    const auto code = [](std::string_view digits) -> std::optional<uint16_t> {
        uint16_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error != std::errc() || end != digits.data() + digits.size() || digits.size() != 3 ||
            !config::kStatusRange.holds(number)) {
            return std::nullopt;
        }
        return number;
    };
    const size_t dash = std::min(text.find('-'), text.size());
    const auto first = code(text.substr(0, dash));
    const auto last = dash == text.size() ? first : code(text.substr(dash + 1));
    if (!first || !last || *first > *last) return std::nullopt;
    return config::StatusRange{*first, *last};
}

void read_expected(const Object& object, std::vector<config::StatusRange>& out) {
    if (!object.has("expectedStatuses")) return;
    std::vector<config::StatusRange> ranges;
    object.each("expectedStatuses", 1, kMaxRanges, [&](const json& value, const Path& at) {
        std::string text;
        if (!text_of(value, at, object.context(), text)) return;
        if (const auto range = parse_range(text)) {
            ranges.push_back(*range);
        } else {
            object.context().problems.add(
                at, "'" + config::shown(text) + "' is not a status code (\"404\") or a range of them (\"200-399\")");
        }
    });
    out = std::move(ranges);
}

}  // namespace

HealthCheck read_health_check(const json& value, const Path& path, Context& context) {
    const Object object(
        value, path, context,
        {"type", "interval", "timeout", "rise", "fall", "jitterPercent", "path", "host", "expectedStatuses"});
    HealthCheck check;
    object.require("type", " (TCP or HTTP)");
    const bool typed =
        object.choice("type", {{"TCP", HealthCheck::Type::tcp}, {"HTTP", HealthCheck::Type::http}}, check.type);
    object.duration("interval", config::kIntervalRange, check.interval_ms);
    object.duration("timeout", config::kTimeoutRange, check.timeout_ms);
    object.whole("rise", config::kRiseRange, check.rise);
    object.whole("fall", config::kFallRange, check.fall);
    object.whole("jitterPercent", config::kJitterRange, check.jitter_percent);
    config::Policy sample;
    if (object.text("path", check.path)) {
        sample.health_check.emplace().path = check.path;
        judge(sample, path / "path", context);
    }
    if (object.text("host", check.host)) {
        sample.health_check.emplace().host = check.host;
        judge(sample, path / "host", context);
        if (check.host.empty()) object.wrong("host", "is empty");
    }
    read_expected(object, check.expected);
    for (const char* name : {"path", "host", "expectedStatuses"}) {
        if (typed && check.type == HealthCheck::Type::tcp && object.has(name))
            object.wrong(name, "belongs to a check of type HTTP");
    }
    return check;
}

}  // namespace steelyard::policy
