#include "controller/kube/json_walker.hpp"

#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace steelyard::kube {
namespace {

using nlohmann::json;

std::string_view expected(Shape shape) {
    switch (shape) {
        case Shape::text:
            return "a string";
        case Shape::integer:
            return "an integer";
        case Shape::boolean:
            return "a boolean";
        case Shape::integer_or_text:
            return "an integer or a string";
        case Shape::list:
            return "a list";
        case Shape::object:
        case Shape::text_map:
            break;
    }
    return "an object";
}

class Walker final : public nlohmann::json_sax<json> {
public:
    Walker(const JsonNode& root, void* target, const JsonProblem& problem)
        : root_(root), target_(target), problem_(problem) {}

    const Error& failure() const { return failure_; }

    bool null() override {
        if (skipping_ > 0) return true;
        const JsonNode* node = take_node();
        if (node != nullptr && (frames_.empty() || frames_.back().node->shape == Shape::list)) wrong(*node, "null");
        return true;
    }

    bool boolean(bool value) override {
        if (skipping_ > 0) return true;
        if (const JsonNode* node = take_node(); node != nullptr) {
            if (node->shape == Shape::boolean) {
                set(*node, JsonValue{.boolean = value});
            } else {
                wrong(*node, "a boolean");
            }
        }
        return true;
    }

    bool number_integer(number_integer_t value) override {
        if (skipping_ > 0) return true;
        if (const JsonNode* node = take_node(); node != nullptr) {
            if (node->shape == Shape::integer || node->shape == Shape::integer_or_text) {
                set(*node, JsonValue{.integer = value});
            } else {
                wrong(*node, "a number");
            }
        }
        return true;
    }

    bool number_unsigned(number_unsigned_t value) override {
        if (value <= static_cast<number_unsigned_t>(std::numeric_limits<int64_t>::max())) {
            return number_integer(static_cast<int64_t>(value));
        }
        return number_float(0, {});
    }

    bool number_float(number_float_t, const std::string&) override {
        if (skipping_ > 0) return true;
        if (const JsonNode* node = take_node(); node != nullptr) wrong(*node, "a number that is no 64-bit integer");
        return true;
    }

    bool string(std::string& value) override {
        if (skipping_ > 0) return true;
        if (const JsonNode* node = take_node(); node != nullptr) {
            if (node->shape == Shape::text || node->shape == Shape::integer_or_text) {
                set(*node, JsonValue{.text = value, .is_text = true});
            } else {
                wrong(*node, "a string");
            }
        }
        return true;
    }

    bool binary(json::binary_t&) override { return false; }  // not in text JSON

    bool start_object(std::size_t) override { return begin(true); }
    bool start_array(std::size_t) override { return begin(false); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }

    bool key(std::string& value) override {
        if (skipping_ > 0) return true;
        Frame& frame = frames_.back();
        if (frame.node->shape == Shape::text_map) {
            map_key_.swap(value);
            frame.next = &kMember;
            return true;
        }
        frame.next = nullptr;
        for (const JsonNode& child : frame.node->children) {
            if (child.name == value) {
                frame.next = &child;
                break;
            }
        }
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception& error) override {
        // "[json.exception.parse_error.101] parse error at line 1, column 5: syntax error ..." - keep what a person
        // needs.
        std::string_view text = error.what();
        if (const size_t end = text.find("] "); end != text.npos) text.remove_prefix(end + 2);
        if (const size_t at = text.find("column"); at != text.npos) {
            if (const size_t colon = text.find(": ", at); colon != text.npos) text.remove_prefix(colon + 2);
        }
        failure_ = Error{"byte " + std::to_string(position), "not JSON: " + std::string(text)};
        return false;
    }

private:
    struct Frame {
        const JsonNode* node;
        const JsonNode* next = nullptr;  // what the coming value is, nullptr when nobody wants it
        size_t index = 0;                // list: of the coming element
    };

    static constexpr JsonNode kMember{.name = {}, .shape = Shape::text};

    // The node of the value that now comes, or nullptr when it is not wanted.
    const JsonNode* take_node() {
        if (frames_.empty()) return &root_;
        Frame& frame = frames_.back();
        if (frame.node->shape != Shape::list) return frame.next;
        ++frame.index;
        return frame.node->children.data();
    }

    void set(const JsonNode& node, const JsonValue& value) {
        if (&node != &kMember) {
            if (node.set != nullptr) node.set(target_, value);
            return;
        }
        JsonValue member = value;
        member.key = map_key_;
        frames_.back().node->set(target_, member);
    }

    bool begin(bool object) {
        if (skipping_ > 0) {
            ++skipping_;
            return true;
        }
        const JsonNode* node = take_node();
        const bool wants_object = node != nullptr && (node->shape == Shape::object || node->shape == Shape::text_map);
        if (node == nullptr || (object ? !wants_object : node->shape != Shape::list)) {
            if (node != nullptr) wrong(*node, object ? "an object" : "a list");
            skipping_ = 1;
            return true;
        }
        if (node->set != nullptr && node->shape != Shape::text_map) node->set(target_, JsonValue{});
        frames_.push_back(Frame{.node = node});
        return true;
    }

    bool end() {
        if (skipping_ > 0) {
            --skipping_;
            return true;
        }
        const JsonNode* node = frames_.back().node;
        if (node->end != nullptr) node->end(target_);
        frames_.pop_back();
        return true;
    }

    void wrong(const JsonNode& node, std::string_view found) {
        problem_(Error{path(),
                       std::string(found) + " where " + std::string(expected(node.shape)) + " is expected; ignored"});
    }

    // Path of the value just taken, from the nearest path_root down.
    std::string path() const {
        size_t first = 0;
        for (size_t i = 0; i < frames_.size(); ++i) {
            if (frames_[i].node->path_root) first = i;
        }
        std::string out;
        for (size_t i = first; i < frames_.size(); ++i) {
            const Frame& frame = frames_[i];
            if (frame.node->shape == Shape::list) {
                out += '[' + std::to_string(frame.index - 1) + ']';
                continue;
            }
            if (!out.empty()) out += '.';
            out += frame.next == &kMember ? map_key_ : std::string(frame.next->name);
        }
        return out;
    }

    const JsonNode& root_;
    void* target_;
    const JsonProblem& problem_;
    std::vector<Frame> frames_;
    std::string map_key_;
    size_t skipping_ = 0;  // depth within a value that nobody wants
    Error failure_;
};

}  // namespace

Result<void> walk_json(std::string_view text, const JsonNode& root, void* target, const JsonProblem& problem) {
    Walker walker(root, target, problem);
    if (json::sax_parse(text.begin(), text.end(), &walker)) return {};
    return walker.failure();
}

}  // namespace steelyard::kube
