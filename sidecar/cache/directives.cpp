#include "sidecar/cache/directives.hpp"

#include <algorithm>

#include "sidecar/http/field_list.hpp"

namespace steelyard::cache {
namespace {

using http::Directive;
using http::equals_ignoring_case;

// Calls visit(Directive) for each of a field's elements, in all its lines. Returns whether there is such a field.
template <class F>
bool for_each_directive(const http::HeaderList& headers, std::string_view name, F visit) {
    bool present = false;
    for (const http::Header& field : headers) {
        if (field.id != http::HeaderId::other || !equals_ignoring_case(field.name, name)) continue;
        present = true;
        for (std::string_view list = field.value; !list.empty();) {
            const std::string_view element = http::next_list_element(list);
            if (!element.empty()) visit(http::parse_directive(element));
        }
    }
    return present;
}

// Said twice: the first holds (section 4.2.1). Malformed: nothing is fresh.
void take_delta(const Directive& directive, std::optional<uint32_t>& place) {
    if (!place) place = parse_delta(directive.value.value_or("")).value_or(0);
}

}  // namespace

std::optional<uint32_t> parse_delta(std::string_view text) {
    constexpr uint64_t kMost = 0x80000000U;
    if (text.empty()) return std::nullopt;
    uint64_t value = 0;
    for (const char c : text) {
        if (c < '0' || c > '9') return std::nullopt;
        value = std::min(value * 10 + static_cast<uint64_t>(c - '0'), kMost);
    }
    return static_cast<uint32_t>(value);
}

RequestDirectives read_request_directives(const http::HeaderList& headers) {
    RequestDirectives found;
    const bool present = for_each_directive(headers, "cache-control", [&](const Directive& directive) {
        const auto is = [&](std::string_view name) { return equals_ignoring_case(directive.name, name); };
        if (is("no-store")) found.no_store = true;
        if (is("no-cache")) found.no_cache = true;
        if (is("only-if-cached")) found.only_if_cached = true;
        if (is("max-age")) take_delta(directive, found.max_age);
        if (is("min-fresh")) take_delta(directive, found.min_fresh);
    });
    if (present) return found;
    for_each_directive(headers, "pragma", [&](const Directive& directive) {
        if (equals_ignoring_case(directive.name, "no-cache")) found.no_cache = true;
    });
    return found;
}

ResponseDirectives read_response_directives(const http::HeaderList& headers) {
    ResponseDirectives found;
    found.present = for_each_directive(headers, "cache-control", [&](const Directive& directive) {
        const auto is = [&](std::string_view name) { return equals_ignoring_case(directive.name, name); };
        if (is("no-store")) found.no_store = true;
        if (is("no-cache")) found.no_cache = true;
        if (is("private")) found.is_private = true;
        if (is("public")) found.is_public = true;
        if (is("must-revalidate") || is("proxy-revalidate")) found.must_revalidate = true;
        if (is("must-understand")) found.must_understand = true;
        if (is("max-age")) take_delta(directive, found.max_age);
        if (is("s-maxage")) take_delta(directive, found.s_maxage);
        if (is("stale-if-error")) take_delta(directive, found.stale_if_error);
    });
    return found;
}

}  // namespace steelyard::cache
