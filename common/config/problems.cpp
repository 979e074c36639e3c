#include "common/config/problems.hpp"

namespace steelyard::config {

std::string Path::text() const {
    std::string out;
    append_to(out);
    return out;
}

void Path::append_to(std::string& out) const {
    if (parent_ == nullptr) return;
    parent_->append_to(out);
    if (is_index_) {
        out += '[';
        out += std::to_string(index_);
        out += ']';
    } else {
        if (!out.empty()) out += '.';
        out += key_;
    }
}

void Problems::add(Error error) {
    ++total_;
    if (!full()) errors_.push_back(std::move(error));
}

Error Problems::first() const {
    Error error = errors_.front();
    if (total_ > 1) error.problem += " (and " + std::to_string(total_ - 1) + " more)";
    return error;
}

std::string shown(std::string_view text, size_t most) {
    std::string out;
    for (const char c : text.substr(0, most)) out += c >= 0x20 && c < 0x7f ? c : '?';
    if (text.size() > most) out += "...";
    return out;
}

}  // namespace steelyard::config
