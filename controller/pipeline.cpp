#include "controller/pipeline.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <set>
#include <utility>

#include "common/log.hpp"

namespace steelyard {

Pipeline::Pipeline(translate::Options options, store::Inbox& inbox, push::PushServer& server, Enough enough,
                   Hooks hooks)
    : inbox_(inbox), server_(server), enough_(std::move(enough)), hooks_(std::move(hooks)), translator_(options) {}

void Pipeline::run() {
    const auto begun = Clock::now();
    inbox_.drain(state_);
    // Half a cluster must not be pushed: proxies would drop what the other half still has.
    if (!ready_ && !enough_(state_)) return;
    const bool first = !std::exchange(ready_, true);
    if (state_.has_changes()) {
        const auto changes = state_.take_changes();
        auto update = translator_.update(state_, changes);
        say(update.services);
        say(update.policies);
        tell_policies(changes, update.policies);
        stats_.computed += update.computed;
        ++stats_.batches;
        server_.publish({std::move(update.upsert), std::move(update.remove)});
        stats_.durations.observe(std::chrono::duration<double>(Clock::now() - begun).count());
        if (hooks_.on_batch) hooks_.on_batch(state_, changes);
    }
    if (first) {
        server_.set_ready();
        malloc_trim(0);  // the lists' pages and batches are garbage now
        const auto counts = state_.counts();
        log::info("in sync: {} Services, {} EndpointSlices, {} endpoints, {} weighted Pods, {} policies",
                  counts.services, counts.slices, counts.endpoints, counts.weighted_pods, counts.policies);
    }
}

// Each problem once, and once more when it is gone: a Service's list comes whole whenever it changes.
void Pipeline::say(const std::vector<translate::ServiceProblems>& services) {
    for (const auto& [service, problems] : services) {
        auto& said = said_[service];
        for (const auto& problem : problems) {
            if (std::find(said.begin(), said.end(), problem) != said.end()) continue;
            log::warn("Service {}/{}: {}: {}", service.ns, service.name, problem.reason, problem.message);
            if (hooks_.on_problem) hooks_.on_problem(service, problem);
        }
        for (const auto& problem : said) {
            if (std::find(problems.begin(), problems.end(), problem) != problems.end()) continue;
            log::info("Service {}/{}: no longer {}: {}", service.ns, service.name, problem.reason, problem.message);
        }
        said = problems;
        if (problems.empty()) said_.erase(service);
    }
}

void Pipeline::say(const std::vector<translate::PolicyStatus>& policies) {
    for (const auto& status : policies) {
        const kube::Condition* now = status.accepted();
        const auto said = said_policies_.find(status.policy);
        const bool had = said != said_policies_.end();
        if (now == nullptr || now->status) {
            if (had) log::info("{} {}: no longer {}", policy::kKind, status.policy.to_string(), said->second.reason);
            if (had) said_policies_.erase(said);
            continue;
        }
        if (had && said->second.reason == now->reason && said->second.message == now->message) continue;
        log::warn("{} {}: {}: {}", policy::kKind, status.policy.to_string(), now->reason, now->message);
        said_policies_.insert_or_assign(status.policy, *now);
    }
}

void Pipeline::tell_policies(const std::vector<store::Key>& changes,
                             const std::vector<translate::PolicyStatus>& judged) const {
    if (!hooks_.on_policy) return;
    std::set<kube::ObjectKey> keys;
    for (const auto& key : changes) {
        if (key.kind == store::Kind::policy) keys.insert(key.object);
    }
    for (const auto& status : judged) keys.insert(status.policy);
    for (const auto& key : keys) {
        const auto* policy = state_.policy(key);
        const auto* status = translator_.policy(key);
        if (policy != nullptr && status != nullptr) hooks_.on_policy(*policy, *status);
    }
}

void Pipeline::each_policy(const OnPolicy& use) const {
    for (const auto& status : translator_.policies()) {
        if (const auto* policy = state_.policy(status.policy)) use(*policy, status);
    }
}

std::string Pipeline::uid_of(const kube::ObjectKey& service) const {
    const auto* found = state_.service(service);
    return found != nullptr ? found->uid : std::string();
}

PipelineStats Pipeline::stats() const {
    PipelineStats result = stats_;
    result.ready = ready_;
    result.problems = translator_.problem_count();
    for (const auto& status : translator_.policies()) ++result.policies[status.accepted()->reason];
    result.counts = state_.counts();
    return result;
}

}  // namespace steelyard
