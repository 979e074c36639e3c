#include "controller/manifests/fields.hpp"

#include <charconv>
#include <utility>

namespace steelyard::manifests {
namespace {

using Ref = YamlTree::Ref;
using Type = YamlTree::Type;

std::optional<bool> as_truth(Ref value) {
    if (value.type() != Type::scalar || !value.is_plain()) return std::nullopt;
    const std::string_view text = value.text();
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    return std::nullopt;
}

std::optional<int64_t> as_whole(Ref value) {
    if (value.type() != Type::scalar || !value.is_plain()) return std::nullopt;
    std::string_view text = value.text();
    if (text.starts_with('+')) text.remove_prefix(1);
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

// A plain scalar that YAML takes for a number: 5, 0x1f, 1.5, 1e3.
bool is_number(Ref value) {
    if (!value.is_plain()) return false;
    std::string_view text = value.text();
    if (text.starts_with('+') || text.starts_with('-')) text.remove_prefix(1);
    if (text.starts_with("0x") || text.starts_with("0o")) {
        return text.size() > 2 && text.substr(2).find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
    }
    if (text.find_first_of("0123456789") == std::string_view::npos) return false;
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    return error != std::errc::invalid_argument && end == text.data() + text.size();
}

std::string described(Ref value) {
    switch (value.type()) {
        case Type::null:
            return "nothing";
        case Type::list:
            return "a list";
        case Type::map:
            return "a mapping";
        case Type::scalar:
            break;
    }
    const std::string text = "'" + config::shown(value.text()) + "'";
    if (is_number(value)) return text + " (a number)";
    if (as_truth(value)) return text + " (a truth value)";
    return value.is_plain() ? text : text + " (a text)";
}

}  // namespace

void add_problem(kube::Problems& problems, const Path& path, std::string problem) {
    if (problems.size() < kube::kMaxProblems) problems.push_back({path.text(), std::move(problem)});
}

Fields::Fields(Ref node, const Path& path, kube::Problems& problems, Budget& budget)
    : node_(node), path_(path), problems_(problems), budget_(budget) {
    if (node.is_null()) return;
    if (node.type() != Type::map) {
        wrong(path, described(node) + " is not a mapping");
        node_ = {};
        return;
    }
    size_t count = 0;
    for (Ref key = node.first(); key.exists(); key = key.next().next()) {
        if (++count <= kMaxFields) continue;
        wrong(path, "has more than " + std::to_string(kMaxFields) + " fields");
        node_ = {};
        return;
    }
}

void Fields::wrong(const Path& path, std::string problem) const { add_problem(problems_, path, std::move(problem)); }

void Fields::text_of(Ref value, const Path& path, std::string& out) const {
    if (value.is_null()) return;
    if (value.type() != Type::scalar) return wrong(path, described(value) + " is not a text");
    if (is_number(value) || as_truth(value)) {
        return wrong(path, described(value) + " is not a text: write \"" + config::shown(value.text()) + "\"");
    }
    out = value.text();
}

void Fields::text(std::string_view name, std::string& out) const { text_of(field(name), path_ / name, out); }

void Fields::whole(std::string_view name, std::optional<int64_t>& out) const {
    const Ref value = field(name);
    if (value.is_null()) return;
    const std::optional<int64_t> number = as_whole(value);
    if (!number) return wrong(path_ / name, described(value) + " is not a whole number");
    out = number;
}

void Fields::whole(std::string_view name, int64_t& out) const {
    std::optional<int64_t> number;
    whole(name, number);
    if (number) out = *number;
}

void Fields::whole_or_text(std::string_view name, std::variant<std::monostate, int64_t, std::string>& out) const {
    const Ref value = field(name);
    if (value.is_null()) return;
    if (const std::optional<int64_t> number = as_whole(value)) {
        out = *number;
        return;
    }
    std::string text;
    text_of(value, path_ / name, text);
    if (!text.empty()) out = std::move(text);
}

void Fields::truth(std::string_view name, std::optional<bool>& out) const {
    const Ref value = field(name);
    if (value.is_null()) return;
    const std::optional<bool> truth = as_truth(value);
    if (!truth) return wrong(path_ / name, described(value) + " is neither true nor false");
    out = truth;
}

Ref Fields::list(std::string_view name, const Path& path) const {
    const Ref value = field(name);
    if (value.is_null()) return {};
    if (value.type() == Type::list) return value.first();
    wrong(path, described(value) + " is not a list");
    return {};
}

Ref Fields::map(std::string_view name, const Path& path) const {
    const Ref value = field(name);
    if (value.is_null()) return {};
    if (value.type() == Type::map) return value.first();
    wrong(path, described(value) + " is not a mapping");
    return {};
}

}  // namespace steelyard::manifests
