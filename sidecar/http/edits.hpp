#pragma once
// What an upstream's policy does to the fields of one direction, prepared when the configuration changes so that a message costs one look per
// field and one copy. A field that is set takes the place of all of its name; an added one stands behind them. Immutable once built; no I/O.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace steelyard::http {

class Edits {
public:
    // Names are tokens, values field-content (RFC 9110 section 5): common/config/validate_policy.cpp has seen to it.
    void set(std::string_view name, std::string_view value);
    void add(std::string_view name, std::string_view value);
    void remove(std::string_view name);

    bool empty() const { return taken_.empty() && lines_.empty(); }
    // Whether the message's own fields of this name do not go on. `name` is not empty.
    bool takes(std::string_view name) const { return (filter_ >> slot(name) & 1U) != 0 && is_taken(name); }
    // What is written behind the message's own fields: whole lines, each with its CRLF.
    std::string_view lines() const { return lines_; }

private:
    // Length and first letter, letters folded: most names that are not taken differ in these.
    static size_t slot(std::string_view name) {
        return (name.size() + 5 * (static_cast<unsigned char>(name.front()) & 0x1fU)) & 63U;
    }
    bool is_taken(std::string_view name) const;

    uint64_t filter_ = 0;  // a bit for each slot that a taken name has
    std::vector<std::string> taken_;
    std::string lines_;
};

}  // namespace steelyard::http
