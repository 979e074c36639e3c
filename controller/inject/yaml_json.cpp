#include "controller/inject/yaml_json.hpp"

#include "controller/manifests/yaml_tree.hpp"
#include "controller/manifests/yaml_value.hpp"

namespace steelyard::inject {
namespace {

constexpr size_t kMaxValues = 20'000;

}  // namespace

Result<std::vector<Json>> read_yaml(std::string_view text) {
    const auto tree = manifests::YamlTree::parse(text, {.documents = 100, .nodes = kMaxValues});
    if (!tree) return tree.error();
    std::vector<Json> documents;
    size_t left = kMaxValues;
    manifests::YamlValue<Json> reader(left, "the file has more than 20,000 values");
    for (size_t i = 0; i < tree->size(); ++i) {
        auto document = reader.read(tree->document(i));
        if (!document) return document.error();
        documents.push_back(std::move(*document));
    }
    return documents;
}

}  // namespace steelyard::inject
