#include "sidecar/http/head_writer.hpp"

#include <charconv>

namespace steelyard::http {
namespace {

bool is_plain_option(std::string_view option) {
    return scan::equals_folded(option, "keep-alive") || scan::equals_folded(option, "close") ||
           scan::equals_folded(option, "upgrade") || scan::equals_folded(option, "te");
}

}  // namespace

void Writer::put_number(uint64_t number) {
    char digits[20];
    const auto result = std::to_chars(digits, digits + sizeof digits, number);
    put(std::string_view(digits, static_cast<size_t>(result.ptr - digits)));
}

FieldFilter::FieldFilter(const HeaderList& headers, uint32_t dropped) : headers_(headers), dropped_(dropped) {
    if (!headers.has(HeaderId::connection)) return;
    for (const Header& field : headers) {
        if (field.id != HeaderId::connection) continue;
        for (std::string_view options = field.value; !options.empty();) {
            if (!is_plain_option(scan::next_element(options))) nominates_ = true;
        }
    }
}

bool FieldFilter::is_nominated(const Header& field) const {
    if (is_protected(field.id) && field.id != HeaderId::trailer) return false;
    for (const Header& other : headers_) {
        if (other.id != HeaderId::connection) continue;
        for (std::string_view options = other.value; !options.empty();) {
            if (scan::equals_ignoring_case(scan::next_element(options), field.name)) return true;
        }
    }
    return false;
}

}  // namespace steelyard::http
