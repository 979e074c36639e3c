#pragma once
// JSON as YAML that is pleasant to review: block style, with what fits on a line in flow style. For golden files only.
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string>

namespace steelyard::testing_support {

using Json = nlohmann::ordered_json;

inline std::string yaml_scalar(const Json& value) {
    if (!value.is_string()) return value.dump();
    const auto& text = value.get_ref<const std::string&>();
    constexpr const char* kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:";
    char* end = nullptr;
    const bool number = !text.empty() && (std::strtod(text.c_str(), &end), *end == '\0');
    const bool plain = !text.empty() && !number && text.find_first_not_of(kPlain) == std::string::npos &&
                       text.front() != '-' && text.front() != ':' && text.back() != ':' && text != "true" &&
                       text != "false" && text != "null";
    return plain ? text : value.dump();
}

inline std::string yaml_flow(const Json& value) {
    if (!value.is_structured()) return yaml_scalar(value);
    std::string text;
    for (const auto& [key, item] : value.items()) {
        text += (text.empty() ? "" : ", ") + (value.is_object() ? yaml_scalar(key) + ": " : "") + yaml_flow(item);
    }
    return value.is_object() ? "{" + text + "}" : "[" + text + "]";
}

inline bool is_flat(const Json& value) {
    for (const auto& item : value) {
        if (item.is_structured() && !item.empty()) return false;
    }
    return true;
}

inline void append_yaml(std::string& out, const Json& value, size_t indent) {
    const std::string margin(indent, ' ');
    for (const auto& [key, item] : value.items()) {
        const std::string lead = value.is_object() ? yaml_scalar(key) + ":" : "-";
        const std::string flow = yaml_flow(item);
        if (!item.is_structured() || item.empty() || (value.is_array() && is_flat(item) && flow.size() < 110)) {
            out += margin + lead + " " + flow + "\n";
        } else if (value.is_array()) {
            std::string block;
            append_yaml(block, item, indent + 2);
            block.replace(indent, 2, "- ");
            out += block;
        } else {
            out += margin + lead + "\n";
            append_yaml(out, item, indent + 2);
        }
    }
}

}  // namespace steelyard::testing_support
