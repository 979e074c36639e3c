#include "controller/push/token_review.hpp"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

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

// Neither reading nor dropping a tree recurses in this library: how deep a text nests does not matter.
json parse(std::string_view text) { return json::parse(text, nullptr, false); }

bool names_audience(const json& value, std::string_view audience) {
    if (value.is_string()) return value.get_ref<const std::string&>() == audience;
    return value.is_array() && std::any_of(value.begin(), value.end(), [&](const json& one) {
               return one.is_string() && one.get_ref<const std::string&>() == audience;
           });
}

std::string string_in(const json& object, const char* key) {
    const auto it = object.find(key);
    return it != object.end() && it->is_string() ? it->get<std::string>() : std::string{};
}

bool is_object_name(std::string_view text) {
    return !text.empty() && text.size() <= kMaxIdentity && std::all_of(text.begin(), text.end(), [](char c) {
        return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-' || c == '.';
    });
}

// "system:serviceaccount:NAMESPACE:NAME"
bool read_user(const std::string& user, Identity& identity) {
    if (user.compare(0, kUserPrefix.size(), kUserPrefix) != 0) return false;
    const std::string rest = user.substr(kUserPrefix.size());
    const size_t colon = rest.find(':');
    if (colon == std::string::npos) return false;
    identity.ns = rest.substr(0, colon);
    identity.service_account = rest.substr(colon + 1);
    return is_object_name(identity.ns) && is_object_name(identity.service_account);
}

std::string pod_of(const json& user) {
    const auto extra = user.find("extra");
    if (extra == user.end() || !extra->is_object()) return {};
    const auto pod = extra->find(kPodName);
    if (pod == extra->end() || !pod->is_array() || pod->size() != 1 || !pod->front().is_string()) return {};
    return pod->front().get<std::string>();
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
    const json claims = parse(*payload);
    if (!claims.is_object()) return std::nullopt;
    const auto expires = claims.find("exp");
    if (expires == claims.end() || !expires->is_number_integer()) return std::nullopt;
    const bool huge = expires->is_number_unsigned() && expires->get<uint64_t>() > uint64_t{kLatestPlausible};
    if (huge || expires->get<int64_t>() <= 0) return std::nullopt;
    const auto aud = claims.find("aud");
    return Claims{expires->get<int64_t>(), aud != claims.end() && names_audience(*aud, audience)};
}

std::string review_request(std::string_view token, std::string_view audience) {
    const json request = {{"apiVersion", "authentication.k8s.io/v1"},
                          {"kind", "TokenReview"},
                          {"spec", {{"token", token}, {"audiences", {audience}}}}};
    return request.dump();
}

Verdict verdict_of(std::string_view answer, const ReviewRules& rules, int64_t expires) {
    const json review = parse(answer);
    const auto status = review.is_object() ? review.find("status") : review.end();
    if (!review.is_object() || status == review.end() || !status->is_object()) {
        return Refusal{"unavailable", "the API server's TokenReview has no status"};
    }
    const auto authenticated = status->find("authenticated");
    if (authenticated == status->end() || *authenticated != json(true)) {
        return Refusal{"unauthorized", "the API server does not know the token: " + string_in(*status, "error")};
    }
    const auto audiences = status->find("audiences");
    if (audiences == status->end() || !names_audience(*audiences, rules.audience)) {
        return Refusal{"forbidden", "the token is not for audience " + rules.audience};
    }
    const auto user = status->find("user");
    Identity identity;
    if (user == status->end() || !user->is_object() || !read_user(string_in(*user, "username"), identity)) {
        return Refusal{"forbidden", "the token is not a service account's"};
    }
    identity.pod = pod_of(*user);
    if (!identity.pod.empty() && !is_object_name(identity.pod)) {
        return Refusal{"unavailable", "the TokenReview names a pod that cannot be"};
    }
    identity.expires = expires;
    identity.edge = !rules.edge_namespace.empty() && identity.ns == rules.edge_namespace;
    identity.everywhere = rules.everywhere;
    return identity;
}

}  // namespace steelyard::push
