#pragma once
// One pass over a frame's text. The members of the frame's object that are known by name become a small tree; those
// called sections ("upsert", "remove") are lists whose elements are handed over one at a time and then dropped, so that
// a snapshot of 13 MB costs one slice of tree. Unknown members are skipped without a tree. Nesting is bounded. Private
// to the decoder.
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "common/config/problems.hpp"

namespace steelyard::push {

class FrameSax final : public nlohmann::json_sax<nlohmann::json> {
public:
    using json = nlohmann::json;
    // An element of a section: its index counts from 0 in each. Returns false to stop reading (enough problems).
    using OnElement = std::function<bool(json& element, size_t index)>;
    struct Section {
        std::string_view name;
        OnElement on_element;
        bool seen = false;
    };

    FrameSax(std::vector<std::string_view> known, std::vector<Section> sections, config::Problems& problems)
        : known_(std::move(known)), sections_(std::move(sections)), problems_(problems) {}

    // False if the text is not a JSON object, or was refused on the way: problems say why.
    bool read(std::string_view text);
    // The known members, after read().
    const json& root() const { return root_; }
    bool saw(std::string_view section) const;

    bool null() override { return value(nullptr); }
    bool boolean(bool v) override { return value(v); }
    bool number_integer(number_integer_t v) override { return value(v); }
    bool number_unsigned(number_unsigned_t v) override { return value(v); }
    bool number_float(number_float_t v, const string_t&) override { return value(v); }
    bool string(string_t& v) override { return value(std::move(v)); }
    bool binary(binary_t&) override { return false; }
    bool start_object(size_t) override { return start(json::object()); }
    bool start_array(size_t) override { return start(json::array()); }
    bool end_object() override { return end(); }
    bool end_array() override { return end(); }
    bool key(string_t& k) override;
    bool parse_error(size_t position, const std::string& last_token, const nlohmann::detail::exception& ex) override;

private:
    bool value(json v);
    bool start(json container);
    bool end();
    bool deliver();
    json* put(json v);  // into the innermost open container

    const std::vector<std::string_view> known_;
    std::vector<Section> sections_;
    config::Problems& problems_;
    json root_;
    json element_;
    std::vector<json*> open_;     // the containers of the tree that is being built
    std::string key_;             // of the innermost open object
    Section* pending_ = nullptr;  // the section whose value comes next
    Section* section_ = nullptr;  // the section whose list is open
    size_t index_ = 0;
    size_t depth_ = 0;     // of nesting, tree or not
    size_t skipping_ = 0;  // the depth at which an unknown member began, 0 = none
    bool skip_next_ = false;
};

}  // namespace steelyard::push
