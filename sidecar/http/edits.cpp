#include "sidecar/http/edits.hpp"

#include <algorithm>

#include "sidecar/http/scan.hpp"

namespace steelyard::http {

void Edits::set(std::string_view name, std::string_view value) {
    remove(name);
    add(name, value);
}

void Edits::add(std::string_view name, std::string_view value) {
    lines_.append(name).append(": ").append(value).append("\r\n");
}

void Edits::remove(std::string_view name) {
    filter_ |= uint64_t{1} << slot(name);
    taken_.emplace_back(name);
}

bool Edits::is_taken(std::string_view name) const {
    return std::any_of(taken_.begin(), taken_.end(),
                       [name](const std::string& taken) { return scan::equals_ignoring_case(taken, name); });
}

}  // namespace steelyard::http
