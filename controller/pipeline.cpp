#include "controller/pipeline.hpp"

#include <malloc.h>

#include <chrono>
#include <utility>

#include "common/log.hpp"

namespace steelyard {

Pipeline::Pipeline(translate::Options options, store::Inbox& inbox, push::PushServer& server, Enough enough)
    : inbox_(inbox), server_(server), enough_(std::move(enough)), translator_(options) {}

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
        stats_.computed += update.computed;
        ++stats_.batches;
        server_.publish({std::move(update.upsert), std::move(update.remove)});
    }
    if (first) {
        server_.set_ready();
        malloc_trim(0);  // the lists' pages and batches are garbage now
        const auto counts = state_.counts();
        log::info("in sync: {} Services, {} EndpointSlices, {} endpoints, {} weighted Pods", counts.services,
                  counts.slices, counts.endpoints, counts.weighted_pods);
    }
    stats_.last_seconds = std::chrono::duration<double>(Clock::now() - begun).count();
    stats_.seconds += stats_.last_seconds;
}

void Pipeline::say(const std::vector<translate::ServiceProblems>& services) {
    for (const auto& [service, problems] : services) {
        if (problems.empty()) log::info("Service {}/{}: mended", service.ns, service.name);
        for (const auto& problem : problems) {
            log::warn("Service {}/{}: {}: {}", service.ns, service.name, problem.reason, problem.message);
        }
    }
}

PipelineStats Pipeline::stats() const {
    PipelineStats result = stats_;
    result.ready = ready_;
    result.problems = translator_.problem_count();
    result.counts = state_.counts();
    return result;
}

}  // namespace steelyard
