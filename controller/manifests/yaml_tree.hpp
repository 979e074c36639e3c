#pragma once
// A YAML or JSON file as a compact tree: 24 bytes a node and the text, within limits set beforehand. yaml-cpp parses; its own
// document tree is not used, because it takes hundreds of bytes a node, and because a tree whose aliases are shared nodes invites
// walks without end. Here an alias is a node of its own that refers to an earlier, finished one: there are no cycles.
// Source: YAML 1.2, of which JSON is (nearly) a subset.
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::manifests {

struct YamlLimits {
    size_t documents = 100'000;
    size_t nodes = 4'000'000;
};

class YamlTree {
public:
    enum class Type : uint8_t { null, scalar, list, map };
    static constexpr uint32_t kNone = UINT32_MAX;

    // A node and its tree; cheap to copy. A default one stands for "absent" and has type null.
    class Ref {
    public:
        Ref() = default;
        bool exists() const { return tree_ != nullptr; }
        bool is_null() const { return type() == Type::null; }
        Type type() const;
        std::string_view text() const;  // of a scalar
        bool is_plain() const;          // a scalar without quotes or tag: it may be a number or a truth value
        size_t line() const;            // from 1
        // Elements of a list, or keys and values in turn of a map.
        Ref first() const;
        Ref next() const;
        // The value of the first key of that name in a map; absent if there is none or this is no map.
        Ref find(std::string_view key) const;

    private:
        friend class YamlTree;
        Ref(const YamlTree& tree, uint32_t index) : tree_(&tree), index_(index) {}
        uint32_t target() const;

        const YamlTree* tree_ = nullptr;
        uint32_t index_ = 0;
    };

    // The error's `where` is "line 3, column 7"; its problem names what was found there.
    static Result<YamlTree> parse(std::string_view text, const YamlLimits& limits = {});

    // Documents in their order; an empty one is null.
    size_t size() const { return documents_.size(); }
    Ref document(size_t index) const { return {*this, documents_[index]}; }

private:
    friend class TreeBuilder;
    struct Node {
        Type type = Type::null;
        bool plain = false;
        bool alias = false;
        uint32_t line = 0;
        uint32_t text = 0;  // where its text begins; of an alias: the node it stands for
        uint32_t size = 0;  // bytes of text
        uint32_t first = kNone;
        uint32_t next = kNone;
    };

    std::vector<Node> nodes_;
    std::vector<uint32_t> documents_;
    std::string text_;
};

}  // namespace steelyard::manifests
