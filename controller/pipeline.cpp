#include "controller/pipeline.hpp"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "common/log.hpp"

namespace steelyard {

Pipeline::Pipeline(translate::Options options, store::Inbox& inbox, push::PushServer& server, Enough enough,
                   OnProblem on_problem)
    : inbox_(inbox),
      server_(server),
      enough_(std::move(enough)),
      on_problem_(std::move(on_problem)),
      translator_(options) {}

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
        stats_.durations.observe(std::chrono::duration<double>(Clock::now() - begun).count());
    }
    if (first) {
        server_.set_ready();
        malloc_trim(0);  // the lists' pages and batches are garbage now
        const auto counts = state_.counts();
        log::info("in sync: {} Services, {} EndpointSlices, {} endpoints, {} weighted Pods", counts.services,
                  counts.slices, counts.endpoints, counts.weighted_pods);
    }
}

// Each problem once, and once more when it is gone: a Service's list comes whole whenever it changes.
void Pipeline::say(const std::vector<translate::ServiceProblems>& services) {
    for (const auto& [service, problems] : services) {
        auto& said = said_[service];
        for (const auto& problem : problems) {
            if (std::find(said.begin(), said.end(), problem) != said.end()) continue;
            log::warn("Service {}/{}: {}: {}", service.ns, service.name, problem.reason, problem.message);
            if (on_problem_) on_problem_(service, problem);
        }
        for (const auto& problem : said) {
            if (std::find(problems.begin(), problems.end(), problem) != problems.end()) continue;
            log::info("Service {}/{}: no longer {}: {}", service.ns, service.name, problem.reason, problem.message);
        }
        said = problems;
        if (problems.empty()) said_.erase(service);
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
    result.counts = state_.counts();
    return result;
}

}  // namespace steelyard
