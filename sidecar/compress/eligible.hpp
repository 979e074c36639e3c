#pragma once
// Which answers are compressed. Off unless a policy says otherwise, and then only answers that gain by it and give nothing
// away: in one that holds a secret beside what an attacker sends, the compressed length tells the secret (BREACH). So what
// belongs to somebody is left as it is: Set-Cookie, Cache-Control: private, and answers to requests with Cookie or
// Authorization, unless Cache-Control: public says that everybody gets the same. Pure; allocates nothing.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "common/config/policy.hpp"
#include "sidecar/http/message.hpp"

namespace steelyard::compress {

using config::Coding;

// Of a request, as long as its exchange lasts.
struct Asked {
    std::optional<Coding> coding;  // what its client takes of what the policy offers
    bool credentials = false;      // Cookie or Authorization
};
Asked read_request(const http::RequestHead& head, std::span<const Coding> offered);

enum class Verdict : uint8_t {
    as_it_is,
    vary,      // as it is, but others might get it compressed
    compress,  // with what was asked for
    // A 304: what the client has may be what we compressed, so its ETag is written as the compressed answer's was.
    not_modified,
};
// `http10`: the client, who knows no chunks, gets everything as it is.
Verdict judge(const config::Compression& rules, const Asked& asked, const http::ResponseHead& head, bool http10);

// Whether a media type is one of those listed: "text/html", "text/*". Parameters are ignored; with no list, the default one: text,
// but no stream of events, and what is text under another name.
bool is_listed(std::string_view content_type, std::span<const std::string> types);

}  // namespace steelyard::compress
