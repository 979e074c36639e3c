// Whatever comes as an Authorization header, a token's claims, or the API server's review of it: no crash, and nobody is
// let in without a namespace and an account.
#include <cstdlib>
#include <string_view>

#include "controller/push/token_review.hpp"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    using namespace steelyard;
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    if (const auto token = push::bearer_token(text)) {
        if (token->empty() || token->size() > push::kMaxTokenBytes) std::abort();
        push::claims_of(*token, "steelyard");
    }
    if (const auto claims = push::claims_of(text, "steelyard"); claims && claims->expires <= 0) std::abort();
    const push::ReviewRules rules{"steelyard", "system", false};
    const auto verdict = push::verdict_of(text, rules, 1);
    if (const auto* identity = std::get_if<push::Identity>(&verdict)) {
        if (!identity->known() || identity->service_account.empty()) std::abort();
        if (identity->ns.find('/') != std::string::npos) std::abort();
    } else if (std::get<push::Refusal>(verdict).code.empty()) {
        std::abort();
    }
    return 0;
}
