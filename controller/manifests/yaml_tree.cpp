#include "controller/manifests/yaml_tree.hpp"

#include <yaml-cpp/eventhandler.h>
#include <yaml-cpp/exceptions.h>
#include <yaml-cpp/mark.h>
#include <yaml-cpp/parser.h>

#include <istream>
#include <streambuf>
#include <unordered_map>
#include <utility>

namespace steelyard::manifests {
namespace {

struct Refused {
    Error error;
};

std::string place(const YAML::Mark& mark) {
    return "line " + std::to_string(mark.line + 1) + ", column " + std::to_string(mark.column + 1);
}

// Reads from a view without copying it.
class ViewBuffer : public std::streambuf {
public:
    explicit ViewBuffer(std::string_view text) {
        char* begin = const_cast<char*>(text.data());  // never written to: only the get area is set
        setg(begin, begin, begin + text.size());
    }
};

}  // namespace

// Receives yaml-cpp's events. Throws Refused, through yaml-cpp, when a limit is reached.
class TreeBuilder final : public YAML::EventHandler {
public:
    explicit TreeBuilder(const YamlLimits& limits) : limits_(limits) {}

    void OnDocumentStart(const YAML::Mark& mark) override {
        if (tree_.documents_.size() >= limits_.documents) {
            throw Refused{{place(mark), "more than " + std::to_string(limits_.documents) + " documents"}};
        }
        tree_.documents_.push_back(static_cast<uint32_t>(tree_.nodes_.size()));
        anchors_.clear();
        open_.clear();
        root_ = true;
    }
    void OnDocumentEnd() override {
        if (root_) add(YAML::Mark::null_mark(), {});  // a document without content is null
    }
    void OnNull(const YAML::Mark& mark, YAML::anchor_t anchor) override { anchored(anchor, add(mark, {})); }
    void OnAlias(const YAML::Mark& mark, YAML::anchor_t anchor) override {
        const auto target = anchors_.find(anchor);
        if (target == anchors_.end()) throw Refused{{place(mark), "an alias of the node that it is in"}};
        YamlTree::Node node;
        node.alias = true;
        node.text = target->second;
        add(mark, node);
    }
    void OnScalar(const YAML::Mark& mark, const std::string& tag, YAML::anchor_t anchor,
                  const std::string& value) override {
        YamlTree::Node node;
        node.type = YamlTree::Type::scalar;
        node.plain = tag == "?";
        node.text = static_cast<uint32_t>(tree_.text_.size());
        node.size = static_cast<uint32_t>(value.size());
        if (tree_.text_.size() + value.size() > UINT32_MAX) throw Refused{{place(mark), "more text than can be held"}};
        tree_.text_ += value;
        anchored(anchor, add(mark, node));
    }
    void OnSequenceStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                         YAML::EmitterStyle::value) override {
        open(mark, YamlTree::Type::list, anchor);
    }
    void OnSequenceEnd() override { close(); }
    void OnMapStart(const YAML::Mark& mark, const std::string&, YAML::anchor_t anchor,
                    YAML::EmitterStyle::value) override {
        open(mark, YamlTree::Type::map, anchor);
    }
    void OnMapEnd() override { close(); }

    YamlTree take() {
        tree_.nodes_.shrink_to_fit();
        return std::move(tree_);
    }

private:
    struct Open {
        uint32_t node;
        uint32_t last_child;
        YAML::anchor_t anchor;
    };

    uint32_t add(const YAML::Mark& mark, YamlTree::Node node) {
        if (tree_.nodes_.size() >= limits_.nodes) {
            throw Refused{{place(mark), "more than " + std::to_string(limits_.nodes) + " values in one file"}};
        }
        const auto index = static_cast<uint32_t>(tree_.nodes_.size());
        node.line = static_cast<uint32_t>(mark.line + 1);
        tree_.nodes_.push_back(node);
        root_ = false;
        if (open_.empty()) return index;
        Open& parent = open_.back();
        if (parent.last_child == YamlTree::kNone) {
            tree_.nodes_[parent.node].first = index;
        } else {
            tree_.nodes_[parent.last_child].next = index;
        }
        parent.last_child = index;
        return index;
    }
    void anchored(YAML::anchor_t anchor, uint32_t index) {
        if (anchor != YAML::NullAnchor) anchors_[anchor] = index;
    }
    void open(const YAML::Mark& mark, YamlTree::Type type, YAML::anchor_t anchor) {
        YamlTree::Node node;
        node.type = type;
        open_.push_back({add(mark, node), YamlTree::kNone, anchor});
    }
    // An anchor counts from the end of its node on: that is what keeps a node from containing itself.
    void close() {
        anchored(open_.back().anchor, open_.back().node);
        open_.pop_back();
    }

    const YamlLimits limits_;
    YamlTree tree_;
    std::vector<Open> open_;
    std::unordered_map<YAML::anchor_t, uint32_t> anchors_;
    bool root_ = false;
};

Result<YamlTree> YamlTree::parse(std::string_view text, const YamlLimits& limits) {
    ViewBuffer buffer(text);
    std::istream stream(&buffer);
    TreeBuilder builder(limits);
    try {
        YAML::Parser parser(stream);
        while (parser.HandleNextDocument(builder)) {}
    } catch (const Refused& refused) {
        return refused.error;
    } catch (const YAML::ParserException& error) {
        return Error{place(error.mark), error.msg};
    } catch (const std::exception& error) {
        return Error{"", error.what()};
    }
    return builder.take();
}

uint32_t YamlTree::Ref::target() const {
    const Node& node = tree_->nodes_[index_];
    return node.alias ? node.text : index_;  // never an alias of an alias: an anchor stands on a real node
}

YamlTree::Type YamlTree::Ref::type() const { return tree_ == nullptr ? Type::null : tree_->nodes_[target()].type; }

std::string_view YamlTree::Ref::text() const {
    if (type() != Type::scalar) return {};
    const Node& node = tree_->nodes_[target()];
    return std::string_view(tree_->text_).substr(node.text, node.size);
}

bool YamlTree::Ref::is_plain() const { return tree_ != nullptr && tree_->nodes_[target()].plain; }

size_t YamlTree::Ref::line() const { return tree_ == nullptr ? 0 : tree_->nodes_[index_].line; }

YamlTree::Ref YamlTree::Ref::first() const {
    if (tree_ == nullptr) return {};
    const uint32_t child = tree_->nodes_[target()].first;
    return child == kNone ? Ref() : Ref(*tree_, child);
}

YamlTree::Ref YamlTree::Ref::next() const {
    if (tree_ == nullptr) return {};
    const uint32_t sibling = tree_->nodes_[index_].next;
    return sibling == kNone ? Ref() : Ref(*tree_, sibling);
}

YamlTree::Ref YamlTree::Ref::find(std::string_view key) const {
    if (type() != Type::map) return {};
    for (Ref name = first(); name.exists(); name = name.next().next()) {
        if (name.type() == Type::scalar && name.text() == key) return name.next();
    }
    return {};
}

}  // namespace steelyard::manifests
