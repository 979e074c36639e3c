#include "controller/policy/reader.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "common/config/validate.hpp"
#include "controller/translate/duration.hpp"

namespace steelyard::policy {
namespace {

constexpr size_t kMaxIgnored = 16;
constexpr size_t kMaxDurationParts = 4;
constexpr size_t kMaxDurationDigits = 5;

// As the schema's pattern has it: ^([0-9]{1,5}(h|m|s|ms)){1,4}$. The units are parse_duration's to judge.
bool is_plain_duration(std::string_view text) {
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    size_t parts = 0;
    for (; !text.empty(); ++parts) {
        const auto digits = static_cast<size_t>(std::find_if_not(text.begin(), text.end(), digit) - text.begin());
        if (digits == 0 || digits > kMaxDurationDigits) return false;
        text.remove_prefix(digits);
        const auto unit = static_cast<size_t>(std::find_if(text.begin(), text.end(), digit) - text.begin());
        if (unit == 0 || text.substr(0, unit).find('.') != std::string_view::npos) return false;
        text.remove_prefix(unit);
    }
    return parts >= 1 && parts <= kMaxDurationParts;
}

// "16Mi", "65536"; nullopt for anything else. What is beyond any range is told as just that.
std::optional<uint64_t> parse_bytes(std::string_view text) {
    constexpr uint64_t kBeyond = uint64_t{1} << 40;
    constexpr std::array<std::pair<std::string_view, unsigned>, 4> kSuffixes{
        {{"", 0}, {"Ki", 10}, {"Mi", 20}, {"Gi", 30}}};
    uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || text.front() == '0') return std::nullopt;
    const std::string_view rest(end, static_cast<size_t>(text.data() + text.size() - end));
    for (const auto& [suffix, shift] : kSuffixes) {
        if (suffix == rest) return number > (kBeyond >> shift) ? kBeyond : number << shift;
    }
    return std::nullopt;
}

}  // namespace

Object::Object(const json& value, const Path& path, Context& context, std::initializer_list<std::string_view> known)
    : path_(path), context_(context) {
    if (value.is_object()) {
        object_ = &value;
        check_names(known);
    } else if (!value.is_null()) {
        context.problems.add(path, "is " + config::type_of(value) + ", not an object");
    }
}

void Object::check_names(std::initializer_list<std::string_view> known) const {
    for (const auto& [name, value] : object_->items()) {
        if (std::find(known.begin(), known.end(), name) != known.end()) continue;
        const std::string shown_name = config::shown(name);
        if (context_.unknown == Unknown::ignore) {
            if (context_.ignored.size() < kMaxIgnored) context_.ignored.push_back((path_ / shown_name).text());
            continue;
        }
        std::string all;
        for (const std::string_view each : known) all += (all.empty() ? "" : ", ") + std::string(each);
        context_.problems.add(path_ / shown_name, "is not a field that is known here (" + all + ")");
    }
}

const json* Object::find(const char* name) const {
    if (object_ == nullptr) return nullptr;
    const auto found = object_->find(name);
    return found == object_->end() || found->is_null() ? nullptr : &*found;
}

std::string shown(const json& value) {
    if (value.is_structured()) return value.is_object() ? "{...}" : "[...]";
    return config::shown(value.is_string() ? value.get_ref<const std::string&>()
                                           : value.dump(-1, ' ', true, json::error_handler_t::replace));
}

bool text_of(const json& value, const Path& path, Context& context, std::string& out) {
    if (value.is_string()) {
        out = value.get_ref<const std::string&>();
        return true;
    }
    std::string problem = shown(value) + " is " + config::type_of(value) + ", not a text";
    if (value.is_number() || value.is_boolean()) problem += ": write \"" + shown(value) + "\"";
    context.problems.add(path, std::move(problem));
    return false;
}

bool Object::text(const char* name, std::string& out) const {
    const json* value = find(name);
    return value != nullptr && text_of(*value, path_ / name, context_, out);
}

bool Object::required_text(const char* name, std::string& out) const {
    require(name, "");
    return text(name, out);
}

void Object::truth(const char* name, bool& out) const {
    const json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_boolean()) return wrong(name, shown(*value) + " is not true or false");
    out = value->get<bool>();
}

void Object::whole(const char* name, const config::Range& range, uint32_t& out) const {
    const json* value = find(name);
    if (value == nullptr) return;
    if (!value->is_number_unsigned() || !range.holds(value->get<uint64_t>())) {
        wrong(name, range.complaint(shown(*value)));
    } else {
        out = static_cast<uint32_t>(value->get<uint64_t>());
    }
}

void Object::duration(const char* name, const config::Range& range, uint32_t& out) const {
    std::string given;
    if (!text(name, given)) return;
    if (!is_plain_duration(given)) {
        return wrong(name, "'" + config::shown(given) + "' is not a duration (such as 500ms, 30s or 1m30s)");
    }
    const Result<uint32_t> parsed =
        translate::parse_duration(given, static_cast<uint32_t>(range.low), static_cast<uint32_t>(range.high));
    if (!parsed) return wrong(name, parsed.error().problem);
    out = *parsed;
}

void Object::bytes(const char* name, const config::Range& range, uint64_t& out) const {
    const json* value = find(name);
    if (value == nullptr) return;
    std::optional<uint64_t> parsed;
    if (value->is_number_unsigned()) parsed = value->get<uint64_t>();
    if (value->is_string()) parsed = parse_bytes(value->get_ref<const std::string&>());
    if (!parsed)
        return wrong(name, "'" + shown(*value) + "' is not a number of bytes (such as 65536, 256Ki, 16Mi or 1Gi)");
    if (!range.holds(*parsed)) return wrong(name, range.complaint(shown(*value)));
    out = *parsed;
}

const json* Object::find_list(const char* name, const Path& at, size_t least, size_t most) const {
    const json* value = find(name);
    if (value == nullptr) return nullptr;
    if (!value->is_array()) {
        context_.problems.add(at, "is " + config::type_of(*value) + ", not a list");
        return nullptr;
    }
    if (value->size() < least || value->size() > most) {
        context_.problems.add(at, "has " + std::to_string(value->size()) + " elements; " + std::to_string(least) +
                                      " to " + std::to_string(most) + " are allowed");
        return nullptr;
    }
    return value;
}

void judge(const config::Policy& sample, const Path& path, Context& context) {
    config::Problems found;
    config::validate(sample, Path(), found);
    for (const Error& error : found.errors()) context.problems.add(path, error.problem);
}

}  // namespace steelyard::policy
