#include "common/push/frame_sax.hpp"

#include <algorithm>

#include "common/push/message.hpp"

namespace steelyard::push {

using config::Path;

bool FrameSax::read(std::string_view text) {
    if (!json::sax_parse(text.begin(), text.end(), this)) {
        if (problems_.empty()) problems_.add(Path{}, "the frame could not be read");
        return false;
    }
    if (problems_.empty() && !root_.is_object()) problems_.add(Path{}, "the frame is not a JSON object");
    return problems_.empty();
}

bool FrameSax::saw(std::string_view section) const {
    return std::any_of(sections_.begin(), sections_.end(), [&](const auto& s) { return s.name == section && s.seen; });
}

bool FrameSax::parse_error(size_t, const std::string&, const nlohmann::detail::exception& ex) {
    // "[json.exception.parse_error.101] parse error at line 1, column 5: ..., last read: '...'": without the library's
    // tag.
    std::string_view what = ex.what();
    const size_t tag = what.find("] ");
    if (tag != std::string_view::npos) what.remove_prefix(tag + 2);
    std::string text;
    for (const char c : what.substr(0, 200)) text += c >= 0x20 && c < 0x7f ? c : '?';
    problems_.add(Path{}, "not JSON: " + text);
    return false;
}

// Depth 1 is the frame's own object: its members decide what is kept.
bool FrameSax::key(string_t& k) {
    if (skipping_ != 0) return true;
    if (depth_ != 1) {
        key_ = std::move(k);
        return true;
    }
    const auto section = std::find_if(sections_.begin(), sections_.end(), [&](const auto& s) { return s.name == k; });
    pending_ = section == sections_.end() ? nullptr : &*section;
    skip_next_ = pending_ == nullptr && std::find(known_.begin(), known_.end(), k) == known_.end();
    if (pending_ != nullptr && std::exchange(pending_->seen, true)) {
        problems_.add(Path{} / pending_->name, "is given twice");
        return false;
    }
    key_ = std::move(k);
    return true;
}

FrameSax::json* FrameSax::put(json v) {
    if (open_.empty()) {
        root_ = std::move(v);
        return &root_;
    }
    json& parent = *open_.back();
    if (parent.is_array()) {
        parent.push_back(std::move(v));
        return &parent.back();
    }
    json& slot = parent[key_];
    slot = std::move(v);
    return &slot;
}

bool FrameSax::value(json v) {
    if (skipping_ != 0 || std::exchange(skip_next_, false)) return true;
    if (pending_ != nullptr) {
        problems_.add(Path{} / pending_->name, "is not a list");
        return false;
    }
    if (section_ != nullptr && depth_ == 2) {
        element_ = std::move(v);
        return deliver();
    }
    put(std::move(v));
    return true;
}

bool FrameSax::start(json container) {
    if (++depth_ > kMaxJsonDepth) {
        problems_.add(Path{}, "nested deeper than " + std::to_string(kMaxJsonDepth));
        return false;
    }
    if (depth_ == 1 && !container.is_object()) {
        problems_.add(Path{}, "the frame is not a JSON object");
        return false;
    }
    if (skipping_ != 0) return true;
    if (std::exchange(skip_next_, false)) {
        skipping_ = depth_;
        return true;
    }
    if (pending_ != nullptr) {
        if (!container.is_array()) return value(nullptr);  // says that it is not a list
        section_ = std::exchange(pending_, nullptr);
        index_ = 0;
        return true;
    }
    if (section_ != nullptr && depth_ == 3) {
        element_ = std::move(container);
        open_.push_back(&element_);
        return true;
    }
    open_.push_back(put(std::move(container)));
    return true;
}

bool FrameSax::end() {
    const size_t depth = depth_--;
    if (skipping_ != 0) {
        if (depth == skipping_) skipping_ = 0;
        return true;
    }
    if (section_ != nullptr && depth == 2) {
        section_ = nullptr;
        return true;
    }
    open_.pop_back();
    return section_ == nullptr || depth != 3 || deliver();
}

bool FrameSax::deliver() {
    const bool go_on = section_->on_element(element_, index_++);
    element_ = nullptr;
    return go_on;
}

}  // namespace steelyard::push
