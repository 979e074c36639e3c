#pragma once
// Reading a JSON object's fields with errors that name them: what the decoders of resources and of messages share.
// Includes all of nlohmann/json: for .cpp files of decoders only.
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "common/config/limits.hpp"
#include "common/config/problems.hpp"

namespace steelyard::config {

inline std::string type_of(const nlohmann::json& value) {
    switch (value.type()) {
        case nlohmann::json::value_t::object:
            return "an object";
        case nlohmann::json::value_t::array:
            return "a list";
        case nlohmann::json::value_t::string:
            return "a string";
        case nlohmann::json::value_t::boolean:
            return "a boolean";
        case nlohmann::json::value_t::null:
            return "null";
        default:
            return "a number";
    }
}

// Reads the fields of one object. Each reader leaves `out` as it was when the field is absent or wrong; what is wrong
// is noted.
class Fields {
public:
    Fields(const nlohmann::json& object, const Path& path, Problems& problems)
        : object_(object), path_(path), problems_(problems) {}

    bool is_object() const {
        if (object_.is_object()) return true;
        problems_.add(path_, "is " + type_of(object_) + ", not an object");
        return false;
    }
    const nlohmann::json* find(const char* key) const {
        const auto it = object_.find(key);
        return it == object_.end() ? nullptr : &*it;
    }
    const nlohmann::json* require(const char* key) const {
        const nlohmann::json* value = find(key);
        if (value == nullptr) problems_.add(path_ / key, "is missing");
        return value;
    }
    void string(const char* key, std::string& out) const { string(find(key), key, out); }
    void required_string(const char* key, std::string& out) const { string(require(key), key, out); }

    void boolean(const char* key, bool& out) const {
        const nlohmann::json* value = find(key);
        if (value == nullptr) return;
        if (value->is_boolean()) {
            out = value->get<bool>();
        } else {
            problems_.add(path_ / key, "is " + type_of(*value) + ", not a boolean");
        }
    }
    template <class N>
    void number(const char* key, const Range& range, N& out) const {
        number(find(key), key, range, out);
    }
    template <class N>
    void required_number(const char* key, const Range& range, N& out) const {
        number(require(key), key, range, out);
    }
    // One of the names that `parse` knows; `names` lists them for the message.
    template <class E, class Parse>
    void choice(const nlohmann::json* value, const char* key, Parse parse, const char* names, E& out) const {
        if (value == nullptr) return;
        std::string text;
        string(value, key, text);
        if (!value->is_string()) return;
        if (const auto parsed = parse(text)) {
            out = *parsed;
        } else {
            problems_.add(path_ / key, "'" + shown(text) + "' is not one of " + names);
        }
    }
    // Calls `each(element, path)` for each element of a list; wrong and over-long lists are noted instead.
    template <class Each>
    void list(const nlohmann::json* value, const char* key, size_t most, Each each) const {
        if (value == nullptr) return;
        const Path at = path_ / key;
        if (!value->is_array()) {
            problems_.add(at, "is " + type_of(*value) + ", not a list");
        } else if (value->size() > most) {
            problems_.add(
                at, std::to_string(value->size()) + " elements; at most " + std::to_string(most) + " are allowed");
        } else {
            for (size_t i = 0; i < value->size() && !problems_.full(); ++i) each((*value)[i], at[i]);
        }
    }

    // A list of strings, appended to `out`.
    void texts(const char* key, size_t most, std::vector<std::string>& out) const {
        list(find(key), key, most, [&](const nlohmann::json& element, const Path& at) {
            if (element.is_string()) {
                out.push_back(element.get<std::string>());
            } else {
                problems_.add(at, "is " + type_of(element) + ", not a string");
            }
        });
    }

private:
    void string(const nlohmann::json* value, const char* key, std::string& out) const {
        if (value == nullptr) return;
        if (!value->is_string()) {
            problems_.add(path_ / key, "is " + type_of(*value) + ", not a string");
            return;
        }
        out = value->get_ref<const std::string&>();
    }
    template <class N>
    void number(const nlohmann::json* value, const char* key, const Range& range, N& out) const {
        if (value == nullptr) return;
        if (!value->is_number()) {
            problems_.add(path_ / key, "is " + type_of(*value) + ", not a number");
        } else if (!value->is_number_unsigned() || !range.holds(value->get<uint64_t>())) {
            problems_.add(path_ / key, range.complaint(value->dump()));
        } else {
            out = static_cast<N>(value->get<uint64_t>());
        }
    }

    const nlohmann::json& object_;
    const Path& path_;
    Problems& problems_;
};

}  // namespace steelyard::config
