#include "controller/inject/yaml_json.hpp"

#include <charconv>
#include <cmath>
#include <string>

#include "common/config/problems.hpp"
#include "controller/manifests/yaml_tree.hpp"

namespace steelyard::inject {
namespace {

using manifests::YamlTree;

constexpr size_t kMaxValues = 20'000;
constexpr size_t kMaxDepth = 50;

Json scalar(YamlTree::Ref node) {
    const std::string_view text = node.text();
    if (!node.is_plain()) return Json(std::string(text));
    if (text.empty() || text == "~" || text == "null" || text == "Null" || text == "NULL") return nullptr;
    if (text == "true" || text == "True" || text == "TRUE") return true;
    if (text == "false" || text == "False" || text == "FALSE") return false;
    const char* end = text.data() + text.size();
    int64_t whole = 0;
    if (const auto [at, error] = std::from_chars(text.data(), end, whole); error == std::errc() && at == end)
        return whole;
    double number = 0;
    const bool numeric = text.find_first_not_of("+-.0123456789eE") == std::string_view::npos;
    if (const auto [at, error] = std::from_chars(text.data(), end, number);
        numeric && error == std::errc() && at == end && std::isfinite(number))
        return number;
    return Json(std::string(text));
}

class Reader {
public:
    Result<Json> read(YamlTree::Ref node, size_t depth = 0) {
        if (++values_ > kMaxValues) return Error{place(node), "the file has more than 20,000 values"};
        if (depth > kMaxDepth) return Error{place(node), "nests deeper than 50 levels"};
        switch (node.type()) {
            case YamlTree::Type::null:
                return Json(nullptr);
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

    Result<Json> list(YamlTree::Ref node, size_t depth) {
        Json result = Json::array();
        for (YamlTree::Ref item = node.first(); item.exists(); item = item.next()) {
            auto value = read(item, depth + 1);
            if (!value) return value;
            result.push_back(std::move(*value));
        }
        return result;
    }

    Result<Json> map(YamlTree::Ref node, size_t depth) {
        Json result = Json::object();
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

    size_t values_ = 0;
};

}  // namespace

Result<std::vector<Json>> read_yaml(std::string_view text) {
    const auto tree = YamlTree::parse(text, {.documents = 100, .nodes = kMaxValues});
    if (!tree) return tree.error();
    std::vector<Json> documents;
    Reader reader;
    for (size_t i = 0; i < tree->size(); ++i) {
        auto document = reader.read(tree->document(i));
        if (!document) return document.error();
        documents.push_back(std::move(*document));
    }
    return documents;
}

}  // namespace steelyard::inject
