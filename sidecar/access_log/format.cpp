#include "sidecar/access_log/format.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

namespace steelyard::access_log {
namespace {

constexpr size_t kFields = static_cast<size_t>(Field::kCount);
constexpr size_t kNumber = 20;

constexpr std::array<FieldInfo, kFields> kInfo{{
    {"time", 24},
    {"client", 46},
    {"client_port", 5},
    {"real_ip", 46},
    {"listener", 128},
    {"upstream", 256},
    {"endpoint", 64},
    {"method", 32},
    {"path", 1024},
    {"host", 256},
    {"protocol", 8},
    {"status", 5},
    {"failure", 32},
    {"request_bytes", kNumber},
    {"response_bytes", kNumber},
    {"duration_ms", kNumber + 4},
    {"answer_ms", kNumber + 4},
    {"tries", 4},
    {"user_agent", 256},
    {"referer", 512},
    {"request_id", 128},
}};

constexpr size_t longest_json() {
    size_t total = 3;  // the closing brace and the newline, and one to spare
    for (const auto& field : kInfo) total += field.name.size() + field.limit + std::string_view(R"(,"":"")").size();
    return total;
}
static_assert(longest_json() <= kMaxLine);

char* append(char* out, std::string_view text) {
    std::memcpy(out, text.data(), text.size());
    return out + text.size();
}

char* append_number(char* out, uint64_t value) { return std::to_chars(out, out + kNumber, value).ptr; }

// `digits` decimal digits of a value that has no more.
char* append_padded(char* out, uint32_t value, size_t digits) {
    for (size_t i = digits; i-- > 0; value /= 10) out[i] = static_cast<char>('0' + value % 10);
    return out + digits;
}

// Milliseconds with three digits behind the point.
char* append_milliseconds(char* out, Microseconds time) {
    const auto us = static_cast<uint64_t>(std::max<int64_t>(time.count(), 0));
    out = append_number(out, us / 1000);
    *out++ = '.';
    return append_padded(out, static_cast<uint32_t>(us % 1000), 3);
}

void write_second(int64_t second, std::array<char, 19>& text) {
    using namespace std::chrono;
    // Years beyond 9999 have no place in RFC 3339.
    const sys_seconds time{seconds{std::clamp<int64_t>(second, 0, 253'402'300'799)}};
    const auto day = floor<days>(time);
    const year_month_day date{day};
    const hh_mm_ss clock{time - day};
    char* out = append_padded(text.data(), static_cast<uint32_t>(static_cast<int>(date.year())), 4);
    *out++ = '-';
    out = append_padded(out, static_cast<unsigned>(date.month()), 2);
    *out++ = '-';
    out = append_padded(out, static_cast<unsigned>(date.day()), 2);
    *out++ = 'T';
    out = append_padded(out, static_cast<uint32_t>(clock.hours().count()), 2);
    *out++ = ':';
    out = append_padded(out, static_cast<uint32_t>(clock.minutes().count()), 2);
    *out++ = ':';
    append_padded(out, static_cast<uint32_t>(clock.seconds().count()), 2);
}

// RFC 3339, UTC, milliseconds.
char* append_time(char* out, std::chrono::system_clock::time_point time, TimeCache& cache) {
    using namespace std::chrono;
    const int64_t ms = std::max<int64_t>(duration_cast<milliseconds>(time.time_since_epoch()).count(), 0);
    const int64_t second = ms / 1000;
    if (second != cache.second) {
        write_second(second, cache.text);
        cache.second = second;
    }
    out = append(out, {cache.text.data(), cache.text.size()});
    *out++ = '.';
    out = append_padded(out, static_cast<uint32_t>(ms % 1000), 3);
    *out++ = 'Z';
    return out;
}

// The fields that are text; an empty one is absent.
std::string_view text_of(const Record& record, Field field) {
    switch (field) {
        case Field::client:
            return record.client;
        case Field::real_ip:
            return record.real_ip;
        case Field::listener:
            return record.listener;
        case Field::upstream:
            return record.upstream;
        case Field::endpoint:
            return record.endpoint;
        case Field::method:
            return record.method;
        case Field::path:
            return record.path;
        case Field::host:
            return record.host;
        case Field::protocol:
            return record.protocol;
        case Field::failure:
            return record.failure;
        case Field::user_agent:
            return record.user_agent;
        case Field::referer:
            return record.referer;
        case Field::request_id:
            return record.request_id;
        default:
            return {};
    }
}

char* append_absent(char* out, Style style) { return append(out, style == Style::json ? "null" : "-"); }

char* append_text(char* out, std::string_view text, Field field, Style style) {
    if (text.empty()) return append_absent(out, style);
    const size_t limit = info(field).limit;
    if (style == Style::text) return append_escaped(out, text, limit, style);
    *out++ = '"';
    out = append_escaped(out, text, limit, style);
    *out++ = '"';
    return out;
}

char* append_field(char* out, const Record& record, Field field, Style style, TimeCache& cache) {
    switch (field) {
        case Field::time:
            if (style == Style::json) *out++ = '"';
            out = append_time(out, record.time, cache);
            if (style == Style::json) *out++ = '"';
            return out;
        case Field::client_port:
            return append_number(out, record.client_port);
        case Field::status:
            return append_number(out, record.status);
        case Field::request_bytes:
            return append_number(out, record.request_bytes);
        case Field::response_bytes:
            return append_number(out, record.response_bytes);
        case Field::duration_ms:
            return append_milliseconds(out, record.duration);
        case Field::answer_ms:
            return record.answer.count() < 0 ? append_absent(out, style) : append_milliseconds(out, record.answer);
        case Field::tries:
            return append_number(out, record.tries);
        default:
            return append_text(out, text_of(record, field), field, style);
    }
}

std::string all_names() {
    std::string names;
    for (const auto& field : kInfo) names.append(names.empty() ? "" : ", ").append(field.name);
    return names;
}

Field find_field(std::string_view name) {
    const auto found = std::find_if(kInfo.begin(), kInfo.end(), [&](const auto& field) { return field.name == name; });
    return static_cast<Field>(found - kInfo.begin());
}

// For an error: what was typed may be anything.
std::string shown(std::string_view text) {
    std::array<char, 64> out{};
    return {out.data(), append_escaped(out.data(), text, out.size(), Style::text)};
}

}  // namespace

const FieldInfo& info(Field field) { return kInfo[static_cast<size_t>(field)]; }

void Format::add(std::string_view literal, Field field) {
    items_.push_back({static_cast<uint32_t>(literals_.size()), static_cast<uint32_t>(literal.size()), field});
    literals_ += literal;
    longest_ += literal.size();
    if (field == Field::kCount) return;
    used_ |= 1U << static_cast<unsigned>(field);
    longest_ += info(field).limit + (style_ == Style::json ? 2 : 0);
}

Format Format::json() {
    Format format(Style::json);
    std::string literal = "{";
    for (size_t i = 0; i < kFields; ++i) {
        literal += '"' + std::string(kInfo[i].name) + "\":";
        format.add(literal, static_cast<Field>(i));
        literal = ",";
    }
    format.add("}", Field::kCount);
    return format;
}

Result<Format> Format::parse(std::string_view text) {
    Format format(Style::text);
    std::string literal;
    for (size_t i = 0; i < text.size(); ++i) {
        const char c = text[i];
        const auto place = [&] { return " (at byte " + std::to_string(i + 1) + ")"; };
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
            return Error{"", "a format may not hold control characters, '" + shown(text.substr(i, 1)) + "'" + place()};
        }
        if (c != '%') {
            literal += c;
            continue;
        }
        const char next = i + 1 < text.size() ? text[i + 1] : '\0';
        if (next == '%') {
            literal += '%';
            ++i;
            continue;
        }
        const size_t close = text.find('}', i);
        if (next != '{' || close == std::string_view::npos) {
            return Error{"", "'%' begins no %{FIELD}, and %% stands for a percent sign" + place()};
        }
        const std::string_view name = text.substr(i + 2, close - i - 2);
        const Field field = find_field(name);
        if (field == Field::kCount) {
            return Error{"", "there is no field '" + shown(name) + "'" + place() + "; there are " + all_names()};
        }
        format.add(literal, field);
        literal.clear();
        i = close;
    }
    if (format.items_.empty()) return Error{"", "it is neither json nor a text with a %{FIELD} in it"};
    format.add(literal, Field::kCount);
    if (format.longest_ > kMaxLine) {
        return Error{"", "a line could become " + std::to_string(format.longest_) + " bytes long, more than " +
                             std::to_string(kMaxLine) + ": leave out fields or text"};
    }
    return format;
}

size_t Format::render(const Record& record, TimeCache& cache, char* out) const {
    const char* const begin = out;
    for (const Item& item : items_) {
        out = append(out, {literals_.data() + item.begin, item.size});
        if (item.field != Field::kCount) out = append_field(out, record, item.field, style_, cache);
    }
    *out++ = '\n';
    return static_cast<size_t>(out - begin);
}

}  // namespace steelyard::access_log
