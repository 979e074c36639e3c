// Any bytes as a LoadBalancingPolicy, an AddressPool, a VirtualIPAdvertisement: reading must neither crash nor hang, and what it finds good must be fit for a proxy. What is
// good with unknown fields refused is the same with them ignored.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "common/config/validate.hpp"
#include "common/json/read.hpp"
#include "controller/kube/decode.hpp"
#include "controller/status/patch.hpp"

using namespace steelyard;

namespace {

// What is read is the same whoever refuses unknown fields, and what is wrong is named.
template <class T>
void judge(const T& strict, const T& lenient) {
    for (const Error& problem : strict.problems) {
        if (problem.where.empty() || problem.problem.empty()) std::abort();
    }
    if (strict.problems.empty() && !(strict == lenient)) std::abort();
}

void pools(const nlohmann::json& object) {
    const auto pool = kube::decode_pool(object, policy::Unknown::ignore);
    judge(kube::decode_pool(object, policy::Unknown::refuse), pool);
    if (pool.problems.empty() && pool.spec.addresses.empty()) std::abort();
    const auto advertisement = kube::decode_advertisement(object, policy::Unknown::ignore);
    judge(kube::decode_advertisement(object, policy::Unknown::refuse), advertisement);
    const auto& spec = advertisement.spec;
    if (advertisement.problems.empty() && (spec.first_router_id < 1 || spec.first_router_id > spec.last_router_id ||
                                           spec.last_router_id > 255 || spec.advertisement_interval_ms < 10))
        std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    static_cast<void>(kube::decode_list<kube::LoadBalancingPolicy>(text, [](kube::LoadBalancingPolicy&&) {}));
    static_cast<void>(kube::decode_watch_event<kube::LoadBalancingPolicy>(text));

    const nlohmann::json object = parse_json(text);
    if (object.is_discarded()) return 0;
    const auto strict = kube::decode_policy(object, policy::Unknown::refuse);
    const auto lenient = kube::decode_policy(object, policy::Unknown::ignore);
    judge(strict, lenient);
    pools(object);
    if (lenient.problems.empty()) {
        config::Policy policy;
        lenient.spec.apply(policy);
        config::Problems problems;
        config::validate(policy, {}, problems);
        if (!problems.empty() || lenient.spec.targets.empty()) std::abort();
    }
    const auto patch = status::status_patch(lenient.conditions, {{"Accepted", true, "Accepted", "", 1}}, "now");
    if (patch && !nlohmann::json::accept(*patch)) std::abort();
    return 0;
}
