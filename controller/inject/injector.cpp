#include "controller/inject/injector.hpp"

#include "common/config/problems.hpp"
#include "common/log.hpp"
#include "controller/inject/review.hpp"

namespace steelyard::inject {
namespace {

constexpr std::chrono::seconds kComplaintInterval{10};

std::string pod_name(const Review& review) {
    if (!review.name.empty()) return review.name;
    const Json* metadata = member(review.object, "metadata");
    if (metadata == nullptr) return "(no name)";
    const std::string_view name = text_of(*metadata, "name");
    if (!name.empty()) return std::string(name);
    return std::string(text_of(*metadata, "generateName")) + "...";
}

InjectEvent event_of(const Review& review, const Outcome& outcome) {
    InjectEvent event{"v1",
                      "Pod",
                      review.ns,
                      pod_name(review),
                      "",
                      outcome.reason,
                      "Pod " + review.ns + "/" + pod_name(review) +
                          (outcome.decision == Decision::refuse ? " is refused: " : " is not injected: ") +
                          outcome.message};
    if (const Json* metadata = member(review.object, "metadata")) {
        for (const Json& owner : list_of(*metadata, "ownerReferences")) {
            if (!is_true(owner, "controller")) continue;
            event.api_version = text_of(owner, "apiVersion");
            event.kind = text_of(owner, "kind");
            event.name = text_of(owner, "name");
            event.uid = text_of(owner, "uid");
        }
    }
    return event;
}

Outcome not_a_pod(const Review& review) {
    Outcome outcome;
    outcome.reason = "NotAPod";
    outcome.message = review.operation + " of " + config::shown(review.kind) +
                      (review.subresource.empty() ? "" : "/" + config::shown(review.subresource)) +
                      " is none of the injector's business: only pods are, when they are created";
    return outcome;
}

}  // namespace

Injector::Answer Injector::handle(std::string_view body) {
    const auto review = parse_review(body);
    if (!review) {
        ++errors_;
        if (const TimePoint now = Clock::now(); now >= next_complaint_.load()) {
            next_complaint_ = now + kComplaintInterval;
            log::warn(
                "webhook: a call that is no admission review is refused: {}; more of them are only counted for a while",
                review.error().to_string());
        }
        return {400, "400 not an AdmissionReview: " + review.error().to_string() + "\n"};
    }
    const auto config = sources_.config();
    if (!config) {
        ++errors_;
        return {503, "503 the injection's configuration is not read yet\n"};
    }
    const Outcome outcome = review->is_new_pod() ? mutate(review->object, {review->ns, std::nullopt}, *config,
                                                          sources_.service_cidrs(), sources_.ca_pem())
                                                 : not_a_pod(*review);
    if (outcome.decision == Decision::inject) {
        ++injected_;
        log::debug("webhook: pod {}/{}: {}", review->ns, pod_name(*review), outcome.message);
    } else {
        ++(outcome.decision == Decision::refuse ? refused_ : skipped_);
        const auto level = outcome.remarkable ? spdlog::level::info : spdlog::level::debug;
        spdlog::log(level, "webhook: pod {}/{} is {}: {}: {}", review->ns, pod_name(*review),
                    outcome.decision == Decision::refuse ? "refused" : "not injected", outcome.reason, outcome.message);
    }
    if (outcome.remarkable && !review->dry_run && sources_.event) sources_.event(event_of(*review, outcome));
    return {200, answer(review->uid, outcome)};
}

InjectStats Injector::stats() const { return {injected_, skipped_, refused_, errors_}; }

}  // namespace steelyard::inject
