// Any bytes as the Service that the API server answers with: what is written next must be JSON for this Service, and must never name an
// address before the finalizer is there, nor take the finalizer away while an address of ours is.
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <string_view>

#include "controller/loadbalancer/plan.hpp"

using namespace steelyard;

namespace {

void check(std::string_view text, const loadbalancer::Wanted& wanted) {
    const auto write = loadbalancer::next_write(text, wanted);
    if (!write) return;
    const auto body = nlohmann::json::parse(write->body, nullptr, false);
    if (!body.is_object() || !body.contains("metadata")) std::abort();
    if (!write->target.starts_with("/api/v1/namespaces/")) std::abort();
    const auto object = nlohmann::json::parse(text);
    const auto finalizers = object["metadata"].value("finalizers", nlohmann::json());
    bool ours = false;
    for (const auto& one : finalizers) ours = ours || one == kube::kVipFinalizer;
    if (body.contains("status") && !ours) std::abort();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    check(text, {"0b", {"192.0.2.7", "2001:db8::7"}, 17});
    check(text, {"0b", {}, 0});
    return 0;
}
