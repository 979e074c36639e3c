#pragma once
// What is asked of and answered by the API server about a bearer token. Pure. Sources: authentication.k8s.io/v1
// TokenReview; RFC 6750 (the header), RFC 7519 (the token).
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "controller/push/authenticator.hpp"

namespace steelyard::push {

constexpr size_t kMaxTokenBytes = 8192;

// The token of "Bearer TOKEN": three parts of base64url, no more than kMaxTokenBytes. nullopt for anything else.
std::optional<std::string> bearer_token(std::string_view authorization);

// What the token claims of itself, unverified: enough to refuse early, never to let in.
struct Claims {
    int64_t expires = 0;  // exp; UTC seconds since 1970
    bool for_audience = false;
};
// nullopt when the payload is no JSON object with a plausible exp.
std::optional<Claims> claims_of(std::string_view token, std::string_view audience);

std::string review_request(std::string_view token, std::string_view audience);

struct ReviewRules {
    std::string audience;
    std::string edge_namespace;  // whose service accounts may be edges; "" = none
    bool everywhere = false;     // everybody may have every namespace's upstreams
};
// The verdict in the answer; `expires` is the token's. An answer that is not what the API promises is `unavailable`.
Verdict verdict_of(std::string_view answer, const ReviewRules& rules, int64_t expires);

}  // namespace steelyard::push
