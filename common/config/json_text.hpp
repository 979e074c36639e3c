#pragma once
// Appending fields to JSON text: what the encoders of resources and of policies share. Private to common/config.
#include <array>
#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <type_traits>
#include <vector>

#include "common/config/codec.hpp"

namespace steelyard::config {

inline void append_number(std::string& out, uint64_t value) {
    std::array<char, 20> digits;
    const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), value).ptr;
    out.append(digits.data(), end);
}

// `,"key":` where key is one of our own, which needs no escaping. Every object here begins with "kind" or a required
// field.
inline void append_key(std::string& out, std::string_view key) {
    out += ",\"";
    out += key;
    out += "\":";
}

inline void field(std::string& out, std::string_view key, std::string_view text) {
    append_key(out, key);
    append_json_string(out, text);
}

inline void field(std::string& out, std::string_view key, uint64_t value) {
    append_key(out, key);
    append_number(out, value);
}

inline void flag(std::string& out, std::string_view key, bool value) {
    append_key(out, key);
    out += value ? "true" : "false";
}

inline void append_list(std::string& out, const std::vector<std::string>& texts) {
    char before = '[';
    for (const auto& text : texts) {
        out += before;
        append_json_string(out, text);
        before = ',';
    }
    if (texts.empty()) out += '[';
    out += ']';
}

inline void append_texts(std::string& out, std::string_view key, const std::vector<std::string>& texts) {
    append_key(out, key);
    append_list(out, texts);
}

// Appends the members of a nested object, with commas between them, and its braces.
class ObjectText {
public:
    explicit ObjectText(std::string& out) : out_(out) { out_ += '{'; }
    ~ObjectText() { out_ += '}'; }
    ObjectText(const ObjectText&) = delete;
    ObjectText& operator=(const ObjectText&) = delete;

    template <class V>
    void field(std::string_view name, const V& value) {
        key(name);
        if constexpr (std::is_integral_v<V>) {
            append_number(out_, value);
        } else {
            append_json_string(out_, value);
        }
    }
    // The value follows.
    void key(std::string_view name) {
        if (!empty_) out_ += ',';
        empty_ = false;
        out_ += '"';
        out_ += name;
        out_ += "\":";
    }

private:
    std::string& out_;
    bool empty_ = true;
};

}  // namespace steelyard::config
