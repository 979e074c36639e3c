#include "controller/status/writer.hpp"

#include <chrono>
#include <utility>

#include "controller/kube/client.hpp"
#include "controller/kube/micro_time.hpp"
#include "controller/status/patch.hpp"

namespace steelyard::status {
namespace {

// RFC 3339 in UTC to the second, as meta/v1 Time has it.
std::string now_text() {
    constexpr size_t kToTheSecond = 19;
    return kube::micro_time(std::chrono::system_clock::now()).substr(0, kToTheSecond) + "Z";
}

std::string target_of(std::string_view plural, const kube::ObjectKey& key) {
    return "/apis/steelyard.dev/v1alpha1/" + (key.ns.empty() ? "" : "namespaces/" + key.ns + "/") +
           std::string(plural) + "/" + key.name + "/status";
}

}  // namespace

Writer::Writer(kube::Client& client, std::function<bool()> is_leader, WriterOptions options)
    : client_(client),
      is_leader_(std::move(is_leader)),
      worker_(is_leader_, options, "the status", "what it says is in force all the same") {}

void Writer::offer(const kube::LoadBalancingPolicy& seen, const std::vector<kube::Condition>& wanted) {
    if (!is_leader_()) return;
    put(policy::kKind, seen.meta.key(), "loadbalancingpolicies", status_patch(seen.conditions, wanted, now_text()));
}

void Writer::offer(const kube::AddressPool& seen, const std::vector<kube::Condition>& wanted,
                   const kube::PoolCounts& counts) {
    if (!is_leader_()) return;
    put(loadbalancer::kPoolKind, seen.meta.key(), "addresspools", status_patch(seen, wanted, counts, now_text()));
}

void Writer::offer(const kube::VirtualIPAdvertisement& seen, const std::vector<kube::Condition>& wanted) {
    if (!is_leader_()) return;
    put(loadbalancer::kAdvertisementKind, seen.meta.key(), "virtualipadvertisements",
        status_patch(seen.judged.conditions, wanted, now_text()));
}

// Nothing to write takes back what waits.
void Writer::put(std::string_view kind, const kube::ObjectKey& key, std::string_view plural,
                 std::optional<std::string> patch) {
    const std::string id = std::string(kind) + " " + key.to_string();
    if (!patch) return worker_.withdraw(id);
    worker_.put(id,
                [this, target = target_of(plural, key),
                 body = *std::move(patch)](const std::stop_token& stop) -> std::optional<kube::ApiError> {
                    const auto answer = client_.patch(target, body, kube::kMergePatch, stop);
                    if (answer) return std::nullopt;
                    return answer.error();
                });
}

}  // namespace steelyard::status
