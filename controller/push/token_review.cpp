#include "controller/push/token_review.hpp"

#include <algorithm>
#include <array>

#include "common/json/read.hpp"

namespace steelyard::push {
namespace {

using nlohmann::json;

constexpr std::string_view kBearer = "bearer ";
constexpr int64_t kLatestPlausible = 253402300799;  // the end of the year 9999
constexpr size_t kMaxIdentity = 253;
constexpr std::string_view kUserPrefix = "system:serviceaccount:";
constexpr const char* kPodName = "authentication.kubernetes.io/pod-name";

int value_of(char c) {
    if (c >= 'A' && c <= 'Z') return c - 'A';
    if (c >= 'a' && c <= 'z') return c - 'a' + 26;
    if (c >= '0' && c <= '9') return c - '0' + 52;
    if (c == '-') return 62;
    return c == '_' ? 63 : -1;
}

std::optional<std::string> base64url_decode(std::string_view text) {
    if (text.size() % 4 == 1) return std::nullopt;
    std::string out;
    uint32_t bits = 0;
    int have = 0;
    for (const char c : text) {
        const int value = value_of(c);
        if (value < 0) return std::nullopt;
        bits = (bits << 6) | static_cast<uint32_t>(value);
        have += 6;
        if (have < 8) continue;
        have -= 8;
        out += static_cast<char>((bits >> have) & 0xff);
    }
    return out;
}

bool names_audience(const json& value, std::string_view audience) {
    if (value.is_string()) return value.get_ref<const std::string&>() == audience;
    return value.is_array() && std::any_of(value.begin(), value.end(), [&](const json& one) {
               return one.is_string() && one.get_ref<const std::string&>() == audience;
           });
}

bool is_object_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxIdentity && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

// "system:serviceaccount:NAMESPACE:NAME"
bool read_user(std::string_view user, Identity& identity) {
    if (user.substr(0, kUserPrefix.size()) != kUserPrefix) return false;
    const std::string_view rest = user.substr(kUserPrefix.size());
    const size_t colon = rest.find(':');
    if (colon == std::string_view::npos) return false;
    identity.ns = rest.substr(0, colon);
    identity.service_account = rest.substr(colon + 1);
    return is_object_name(identity.ns) && is_object_name(identity.service_account);
}

std::string pod_of(const json& user) {
    const auto& pod = list_of(object_of(user, "extra"), kPodName);
    return pod.size() == 1 && pod.front().is_string() ? pod.front().get<std::string>() : std::string();
}

}  // namespace

std::optional<std::string> bearer_token(std::string_view authorization) {
    if (authorization.size() <= kBearer.size() || authorization.size() > kBearer.size() + kMaxTokenBytes) {
        return std::nullopt;
    }
    const bool bearer = std::equal(kBearer.begin(), kBearer.end(), authorization.begin(),
                                   [](char a, char b) { return a == (b >= 'A' && b <= 'Z' ? b + 32 : b); });
    if (!bearer) return std::nullopt;
    authorization.remove_prefix(kBearer.size());
    const bool plain =
        std::all_of(authorization.begin(), authorization.end(), [](char c) { return c == '.' || value_of(c) >= 0; });
    if (!plain || std::count(authorization.begin(), authorization.end(), '.') != 2) return std::nullopt;
    return std::string(authorization);
}

std::optional<Claims> claims_of(std::string_view token, std::string_view audience) {
    const size_t first = token.find('.');
    const size_t second = first == std::string_view::npos ? first : token.find('.', first + 1);
    if (second == std::string_view::npos || token.size() > kMaxTokenBytes) return std::nullopt;
    const auto payload = base64url_decode(token.substr(first + 1, second - first - 1));
    if (!payload) return std::nullopt;
    const json claims = parse_json(*payload);
    if (!claims.is_object()) return std::nullopt;
    const auto expires = whole_of(claims, "exp");
    if (!expires || *expires <= 0 || *expires > kLatestPlausible) return std::nullopt;
    const json* aud = member(claims, "aud");
    return Claims{*expires, aud != nullptr && names_audience(*aud, audience)};
}

std::string review_request(std::string_view token, std::string_view audience) {
    const json request = {{"apiVersion", "authentication.k8s.io/v1"},
                          {"kind", "TokenReview"},
                          {"spec", {{"token", token}, {"audiences", {audience}}}}};
    return request.dump();
}

Verdict verdict_of(std::string_view answer, const ReviewRules& rules, int64_t expires) {
    const json review = parse_json(answer);
    const json* status = member(review, "status");
    if (status == nullptr || !status->is_object()) {
        return Refusal{"unavailable", "the API server's TokenReview has no status"};
    }
    if (!is_true(*status, "authenticated")) {
        return Refusal{"unauthorized",
                       "the API server does not know the token: " + std::string(text_of(*status, "error"))};
    }
    const json* audiences = member(*status, "audiences");
    if (audiences == nullptr || !names_audience(*audiences, rules.audience)) {
        return Refusal{"forbidden", "the token is not for audience " + rules.audience};
    }
    const json& user = object_of(*status, "user");
    Identity identity;
    if (!read_user(text_of(user, "username"), identity)) {
        return Refusal{"forbidden", "the token is not a service account's"};
    }
    identity.pod = pod_of(user);
    if (!identity.pod.empty() && !is_object_name(identity.pod)) {
        return Refusal{"unavailable", "the TokenReview names a pod that cannot be"};
    }
    identity.expires = expires;
    identity.edge = !rules.edge_namespace.empty() && identity.ns == rules.edge_namespace;
    identity.everywhere = rules.everywhere;
    return identity;
}

}  // namespace steelyard::push
