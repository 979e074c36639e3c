#include "controller/translate/health_check.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <string>

#include "common/json/read.hpp"
#include "controller/translate/duration.hpp"

namespace steelyard::translate {
namespace {

using config::HealthCheck;
using config::Path;
using config::Problems;
using config::StatusRange;
using nlohmann::json;

constexpr size_t kMaxBytes = 16u << 10;
constexpr size_t kMaxRanges = 16;
constexpr size_t kMaxPathBytes = 1024;
constexpr uint32_t kHour = 3'600'000;
constexpr std::array<std::string_view, 9> kKnown{"type",   "interval", "timeout", "rise",    "fall",
                                                 "jitter", "path",     "host",    "expected"};
constexpr std::array<std::string_view, 3> kHttpOnly{"path", "host", "expected"};

bool contains(const auto& names, std::string_view name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

bool is_visible(std::string_view text) {
    return std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
}

// Reads the fields of one parsed object; a field that is absent leaves its default.
class Reader {
public:
    Reader(const json& object, Problems& problems) : object_(object), problems_(problems) {}

    void duration(const char* field, uint32_t low, uint32_t& out) {
        const json* value = find(field);
        if (value == nullptr) return;
        if (!value->is_string()) return wrong(field, "must be a text with a unit, such as \"500ms\"");
        const Result<uint32_t> parsed = parse_duration(value->get_ref<const std::string&>(), low, kHour);
        if (!parsed) return wrong(field, parsed.error().problem);
        out = *parsed;
    }

    void whole(const char* field, uint32_t low, uint32_t high, uint32_t& out) {
        const json* value = find(field);
        if (value == nullptr) return;
        if (!value->is_number_unsigned() || value->get<uint64_t>() < low || value->get<uint64_t>() > high) {
            return wrong(field, config::shown(value->dump(-1, ' ', true)) + " is not a whole number from " +
                                    std::to_string(low) + " to " + std::to_string(high));
        }
        out = value->get<uint32_t>();
    }

    void text(const char* field, size_t most, bool is_path, std::string& out) {
        const json* value = find(field);
        if (value == nullptr) return;
        if (!value->is_string()) return wrong(field, "must be a text");
        const auto& given = value->get_ref<const std::string&>();
        if (given.empty() || given.size() > most || !is_visible(given) || (is_path && given[0] != '/')) {
            return wrong(field, "'" + config::shown(given) + "' is not a " +
                                    (is_path ? "path that begins with /" : "host name") +
                                    " (visible ASCII, no spaces, at most " + std::to_string(most) + " long)");
        }
        out = given;
    }

    void expected(std::vector<StatusRange>& out) {
        const json* value = find("expected");
        if (value == nullptr) return;
        if (!value->is_array() || value->empty() || value->size() > kMaxRanges) {
            return wrong("expected", "must be a list of 1 to 16 status codes (404) or ranges (\"200-399\")");
        }
        out.clear();
        for (size_t i = 0; i < value->size(); ++i) {
            const std::optional<StatusRange> range = range_of((*value)[i]);
            if (range) {
                out.push_back(*range);
            } else {
                problems_.add((Path() / "expected")[i],
                              config::shown((*value)[i].dump(-1, ' ', true)) +
                                  " is not a status code (404) or range (\"200-399\") within 100-599");
            }
        }
    }

private:
    const json* find(const char* field) const {
        const auto found = object_.find(field);
        return found == object_.end() ? nullptr : &*found;
    }
    void wrong(const char* field, std::string problem) { problems_.add(Path() / field, std::move(problem)); }

    static std::optional<uint16_t> code_of(std::string_view text) {
        uint16_t code = 0;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), code);
        if (error != std::errc() || end != text.data() + text.size() || code < 100 || code > 599) return std::nullopt;
        return code;
    }
    static std::optional<StatusRange> range_of(const json& value) {
        const std::string text = value.is_string()            ? value.get<std::string>()
                                 : value.is_number_unsigned() ? std::to_string(value.get<uint64_t>())
                                                              : std::string();
        const size_t dash = std::min(text.find('-'), text.size());
        const auto first = code_of(std::string_view(text).substr(0, dash));
        const auto last = dash == text.size() ? first : code_of(std::string_view(text).substr(dash + 1));
        if (!first || !last || *first > *last) return std::nullopt;
        return StatusRange{*first, *last};
    }

    const json& object_;
    Problems& problems_;
};

void read_type(const json& object, HealthCheck& check, Problems& problems) {
    const auto type = object.find("type");
    if (type == object.end()) return problems.add(Path() / "type", "is missing (tcp or http)");
    const auto parsed =
        type->is_string() ? config::parse_health_check_type(type->get_ref<const std::string&>()) : std::nullopt;
    if (!parsed) {
        return problems.add(Path() / "type",
                            config::shown(type->dump(-1, ' ', true)) + " is not a type of check (tcp or http)");
    }
    check.type = *parsed;
}

void check_names(const json& object, const HealthCheck& check, Problems& problems) {
    for (const auto& [name, value] : object.items()) {
        if (!contains(kKnown, name)) {
            problems.add(Path(), "'" + config::shown(name) +
                                     "' is not a setting of a health check (type, interval, timeout, rise, "
                                     "fall, jitter, path, host, expected)");
        } else if (check.type == HealthCheck::Type::tcp && object.contains("type") && contains(kHttpOnly, name)) {
            problems.add(Path() / name, "belongs to a check of type http");
        }
    }
}

}  // namespace

std::optional<HealthCheck> parse_health_check(std::string_view text, Problems& problems) {
    if (text.size() > kMaxBytes) {
        problems.add(Path(), "is " + std::to_string(text.size()) + " bytes long; at most " + std::to_string(kMaxBytes) +
                                 " are read");
        return std::nullopt;
    }
    const json object = parse_json(text);
    if (!object.is_object()) {
        problems.add(Path(), "'" + config::shown(text) + "' is not a JSON object");
        return std::nullopt;
    }
    HealthCheck check;
    read_type(object, check, problems);
    check_names(object, check, problems);
    Reader reader(object, problems);
    reader.duration("interval", 100, check.interval_ms);
    reader.duration("timeout", 10, check.timeout_ms);
    reader.whole("rise", 1, 100, check.rise);
    reader.whole("fall", 1, 100, check.fall);
    reader.whole("jitter", 0, 50, check.jitter_percent);
    reader.text("path", kMaxPathBytes, true, check.path);
    reader.text("host", config::kMaxNameBytes, false, check.host);
    reader.expected(check.expected);
    if (!problems.empty()) return std::nullopt;
    return check;
}

}  // namespace steelyard::translate
