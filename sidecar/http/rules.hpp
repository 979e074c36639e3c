#pragma once
// An upstream's policy for requests and answers as the worker uses it: prepared on the main thread with each configuration, immutable,
// shared by all workers.
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "common/config/policy.hpp"
#include "sidecar/http/edits.hpp"

namespace steelyard::http {

// Both without a "/" at their end. "/api" matches "/api", "/api/x" and "/api?q", not "/apix"; case and percent-encoding count.
struct PathRule {
    std::string prefix;
    std::string replacement;

    // The path in two parts, which begin with "/" when put together: the replacement and what stood behind the prefix. The path as it
    // is when the prefix is another, or when it is "*".
    struct Parts {
        std::string_view front;
        std::string_view rest;
    };
    Parts apply(std::string_view path) const;
};

struct Rules {
    std::string host;  // what endpoints get as Host; "": what the client sent
    std::optional<PathRule> path;
    std::optional<config::Redirect> redirect;
    Edits request;
    Edits response;
};

// nullptr: the policy changes nothing.
std::shared_ptr<const Rules> make_rules(const config::HttpPolicy& policy);

}  // namespace steelyard::http
