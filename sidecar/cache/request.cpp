#include "sidecar/cache/request.hpp"

#include <algorithm>

#include "sidecar/http/field_list.hpp"

namespace steelyard::cache {
namespace {

using http::equals_ignoring_case;

// With these an answer is not the whole, or depends on what the endpoint has now.
bool only_for_the_endpoint(std::string_view name) {
    return equals_ignoring_case(name, "range") || equals_ignoring_case(name, "if-match") ||
           equals_ignoring_case(name, "if-unmodified-since") || equals_ignoring_case(name, "if-range");
}

void append_lower(std::string_view text, std::string& out) {
    for (const char c : text) out += c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
}

}  // namespace

void Request::clear() {
    directives_ = {};
    key_.clear();
    authority_.clear();
    variant_.clear();
    fields_.clear();
    places_.clear();
    readable_ = is_get_ = unsafe_ = authorized_ = false;
}

void Request::read(const http::RequestHead& head, std::string_view variant) {
    using http::Method;
    clear();
    is_get_ = head.method == Method::get;
    readable_ = (is_get_ || head.method == Method::head) && head.framing == http::Framing::none && !head.upgrade;
    unsafe_ = !is_get_ && head.method != Method::head && head.method != Method::options && head.method != Method::trace;
    variant_ = variant;
    append_lower(head.authority, authority_);
    key_.append(variant_).append(authority_).append(head.path);
    if (!readable_) return;
    directives_ = read_request_directives(head.headers);
    for (const http::Header& field : head.headers) {
        if (only_for_the_endpoint(field.name)) readable_ = false;
        if (equals_ignoring_case(field.name, "authorization")) authorized_ = true;
        const auto at = static_cast<uint32_t>(fields_.size());
        const auto name_size = static_cast<uint32_t>(field.name.size());
        places_.push_back({at, name_size, at + name_size, static_cast<uint32_t>(field.value.size())});
        fields_.append(field.name).append(field.value);
    }
}

std::string Request::key_of(std::string_view uri) const {
    std::string key = variant_ + authority_;
    if (const size_t colon = uri.find("://"); colon != std::string_view::npos && colon < uri.find('/')) {
        const std::string_view rest = uri.substr(colon + 3);
        const size_t slash = std::min(rest.find('/'), rest.size());
        if (!equals_ignoring_case(rest.substr(0, slash), authority_)) return {};
        uri = slash == rest.size() ? std::string_view("/") : rest.substr(slash);
    } else if (!uri.starts_with('/')) {
        // Beside the request's own path (RFC 3986 section 5.2.3), dots left as they are.
        const std::string_view path = std::string_view(key_).substr(key.size());
        const std::string_view before_query = path.substr(0, path.find('?'));
        key.append(before_query.substr(0, before_query.rfind('/') + 1));
    } else if (uri.starts_with("//")) {
        return {};
    }
    return key.append(uri.substr(0, uri.find('#')));
}

std::string_view Request::value_of(std::string_view name) const {
    std::string_view first;
    bool several = false;
    for (const Place& place : places_) {
        if (!equals_ignoring_case(text(place.name_at, place.name_size), name)) continue;
        const std::string_view value = text(place.value_at, place.value_size);
        if (first.data() == nullptr) {
            first = value;
            continue;
        }
        if (!several) joined_ = first;
        several = true;
        joined_.append(", ").append(value);
    }
    return several ? std::string_view(joined_) : first;
}

bool Request::has(std::string_view name) const {
    return std::any_of(places_.begin(), places_.end(), [&](const Place& place) {
        return equals_ignoring_case(text(place.name_at, place.name_size), name);
    });
}

}  // namespace steelyard::cache
