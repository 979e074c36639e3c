#pragma once
// A node of a YAML tree, with all below it, as a JSON value by YAML 1.2's core schema. A key given twice, a key that is no text,
// nesting beyond 50 levels or more values than are left (aliases unfolded) is an error that names its line. Includes all of
// nlohmann/json: for .cpp files only.
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>

#include "common/config/problems.hpp"
#include "common/result.hpp"
#include "controller/manifests/yaml_tree.hpp"

namespace steelyard::manifests {

// J is nlohmann::json or nlohmann::ordered_json.
template <class J>
class YamlValue {
public:
    static constexpr size_t kMaxDepth = 50;

    // Each value that is read takes one of `left`; `beyond` is what is said when there is none any more.
    YamlValue(size_t& left, const char* beyond) : left_(left), beyond_(beyond) {}

    Result<J> read(YamlTree::Ref node, size_t depth = 0) {
        if (left_ == 0) return Error{place(node), beyond_};
        --left_;
        if (depth > kMaxDepth) return Error{place(node), "nests deeper than 50 levels"};
        switch (node.type()) {
            case YamlTree::Type::null:
                return J(nullptr);
            case YamlTree::Type::scalar:
                return scalar(node);
            case YamlTree::Type::list:
                return list(node, depth);
            case YamlTree::Type::map:
                break;
        }
        return map(node, depth);
    }

private:
    static std::string place(YamlTree::Ref node) { return "line " + std::to_string(node.line()); }

    static J scalar(YamlTree::Ref node) {
        const std::string_view text = node.text();
        if (!node.is_plain()) return J(std::string(text));
        if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
        if (text == "true" || text == "True" || text == "TRUE") return true;
        if (text == "false" || text == "False" || text == "FALSE") return false;
        const char* end = text.data() + text.size();
        int64_t whole = 0;
        if (const auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc() && at == end) {
            return whole < 0 ? J(whole) : J(static_cast<uint64_t>(whole));
        }
        double number = 0;
        const bool numeric = text.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
        if (const auto [at, error] = std::from_chars(text.data(), end, number);
            numeric && error == std::errc() && at == end && std::isfinite(number))
            return number;
        return J(std::string(text));
    }

    Result<J> list(YamlTree::Ref node, size_t depth) {
        J result = J::array();
        for (YamlTree::Ref item = node.first(); item.exists(); item = item.next()) {
            auto value = read(item, depth + 1);
            if (!value) return value;
            result.push_back(std::move(*value));
        }
        return result;
    }

    Result<J> map(YamlTree::Ref node, size_t depth) {
        J result = J::object();
        for (YamlTree::Ref key = node.first(); key.exists(); key = key.next().next()) {
            if (key.type() != YamlTree::Type::scalar) return Error{place(key), "a key that is not a text"};
            const std::string name(key.text());
            if (result.contains(name)) return Error{place(key), "the key '" + config::shown(name) + "' is given twice"};
            auto value = read(key.next(), depth + 1);
            if (!value) return value;
            result[name] = std::move(*value);
        }
        return result;
    }

    size_t& left_;
    const char* const beyond_;
};

}  // namespace steelyard::manifests
