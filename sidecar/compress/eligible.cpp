#include "sidecar/compress/eligible.hpp"

#include <algorithm>
#include <array>
#include <charconv>

#include "sidecar/compress/accept_encoding.hpp"
#include "sidecar/http/field_list.hpp"

namespace steelyard::compress {
namespace {

using http::equals_ignoring_case;

// Types that are text, much sent, and not compressed by themselves.
constexpr std::array<std::string_view, 17> kDefaultTypes{
    "text/html",
    "text/css",
    "text/plain",
    "text/javascript",
    "text/xml",
    "text/csv",
    "text/markdown",
    "application/javascript",
    "application/json",
    "application/ld+json",
    "application/manifest+json",
    "application/xml",
    "application/xhtml+xml",
    "application/rss+xml",
    "application/atom+xml",
    "application/wasm",
    "image/svg+xml",
};

// The server vouches for exactly these bytes: other bytes would be a lie.
constexpr std::array<std::string_view, 4> kDigests{"content-digest", "repr-digest", "digest", "content-md5"};

bool matches(std::string_view type, std::string_view listed) {
    if (listed.ends_with("/*")) {
        const std::string_view tree = listed.substr(0, listed.size() - 1);
        return type.size() > tree.size() && equals_ignoring_case(type.substr(0, tree.size()), tree);
    }
    return equals_ignoring_case(type, listed);
}

// What the fields of an answer say, in one pass over them.
struct Facts {
    std::string_view type;
    uint64_t length = UINT64_MAX;  // as written: the answer to HEAD has no body
    bool barred = false;
    bool is_public = false;
    bool is_private = false;
};

void read_cache_control(std::string_view value, Facts& facts) {
    while (!value.empty()) {
        const std::string_view name = http::parse_directive(http::next_list_element(value)).name;
        facts.barred = facts.barred || equals_ignoring_case(name, "no-transform");
        facts.is_public = facts.is_public || equals_ignoring_case(name, "public");
        facts.is_private = facts.is_private || equals_ignoring_case(name, "private");
    }
}

Facts read_facts(const http::HeaderList& headers) {
    Facts facts;
    for (const http::Header& field : headers) {
        if (field.id == http::HeaderId::content_length) {
            std::from_chars(field.value.data(), field.value.data() + field.value.size(), facts.length);
        } else if (equals_ignoring_case(field.name, "content-type")) {
            facts.type = field.value;
        } else if (equals_ignoring_case(field.name, "content-encoding") ||
                   equals_ignoring_case(field.name, "content-range")) {
            facts.barred = true;
        } else if (equals_ignoring_case(field.name, "cache-control")) {
            read_cache_control(field.value, facts);
        } else if (equals_ignoring_case(field.name, "set-cookie")) {
            facts.is_private = true;
        } else if (std::any_of(kDigests.begin(), kDigests.end(),
                               [&](std::string_view name) { return equals_ignoring_case(field.name, name); })) {
            facts.barred = true;
        }
    }
    return facts;
}

}  // namespace

Asked read_request(const http::RequestHead& head, std::span<const Coding> offered) {
    Asked asked;
    AcceptEncoding accepted;
    for (const http::Header& field : head.headers) {
        if (field.id != http::HeaderId::other) continue;
        if (equals_ignoring_case(field.name, "accept-encoding")) {
            accepted.add(field.value);
        } else if (equals_ignoring_case(field.name, "cookie") || equals_ignoring_case(field.name, "authorization")) {
            asked.credentials = true;
        }
    }
    asked.coding = accepted.choose(offered);
    return asked;
}

bool is_listed(std::string_view content_type, std::span<const std::string> types) {
    const std::string_view type = http::trim_blanks(content_type.substr(0, content_type.find(';')));
    if (type.empty()) return false;
    if (types.empty()) {
        return std::any_of(kDefaultTypes.begin(), kDefaultTypes.end(),
                           [&](std::string_view listed) { return matches(type, listed); });
    }
    // A stream of events lasts: it is compressed when it is named, not for being text.
    const bool events = equals_ignoring_case(type, "text/event-stream");
    return std::any_of(types.begin(), types.end(), [&](const std::string& listed) {
        return matches(type, listed) && !(events && listed.ends_with("/*"));
    });
}

Verdict judge(const config::Compression& rules, const Asked& asked, const http::ResponseHead& head, bool http10) {
    if (http10) return Verdict::as_it_is;
    if (head.status == 304) return asked.coding ? Verdict::not_modified : Verdict::as_it_is;
    const bool whole = head.status >= 200 && head.status < 300 && head.status != 204 && head.status != 205 &&
                       head.status != 206 && head.status != 226;
    if (!whole) return Verdict::as_it_is;
    const Facts facts = read_facts(head.headers);
    if (facts.barred || facts.is_private || (asked.credentials && !facts.is_public)) return Verdict::as_it_is;
    if (facts.length < rules.min_bytes || facts.length == 0) return Verdict::as_it_is;
    if (!is_listed(facts.type, rules.types)) return Verdict::as_it_is;
    return asked.coding ? Verdict::compress : Verdict::vary;
}

}  // namespace steelyard::compress
