#include "sidecar/http/hash_value.hpp"

#include <algorithm>

#include "sidecar/http/scan.hpp"

namespace steelyard::http {
namespace {

using Source = config::HashKey::Source;

template <class Read>
std::string_view first_field(const RequestHead& head, std::string_view name, Read read) {
    for (const Header& field : head.headers) {
        if (field.name.size() != name.size() || !scan::equals_ignoring_case(field.name, name)) continue;
        if (const std::string_view value = read(field.value); !value.empty()) return value;
    }
    return {};
}

}  // namespace

std::string_view cookie_value(std::string_view cookies, std::string_view name) {
    while (true) {
        const std::string_view pair = cookies.substr(0, cookies.find(';'));
        if (pair.size() > name.size() && pair[name.size()] == '=' && pair.starts_with(name)) {
            return pair.substr(name.size() + 1);
        }
        cookies.remove_prefix(pair.size());
        if (!cookies.starts_with("; ")) return {};
        cookies.remove_prefix(2);
    }
}

std::string_view query_value(std::string_view path, std::string_view name) {
    const size_t mark = path.find('?');
    if (mark == std::string_view::npos) return {};
    for (std::string_view query = path.substr(mark + 1); !query.empty();) {
        const std::string_view parameter = query.substr(0, query.find('&'));
        if (parameter.size() > name.size() && parameter[name.size()] == '=' && parameter.starts_with(name)) {
            return parameter.substr(name.size() + 1);
        }
        query.remove_prefix(std::min(parameter.size() + 1, query.size()));
    }
    return {};
}

std::string_view hash_value(const config::HashKey& key, const RequestHead& head) {
    switch (key.source) {
        case Source::header:
            return first_field(head, key.name, [](std::string_view value) { return value; });
        case Source::cookie:
            return first_field(head, "cookie", [&](std::string_view value) { return cookie_value(value, key.name); });
        case Source::query:
            return query_value(head.path, key.name);
        case Source::client_ip:
            break;
    }
    return {};
}

}  // namespace steelyard::http
