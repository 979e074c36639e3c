#pragma once
// AdmissionReview v1, in and out. Pure. Source: admission.k8s.io/v1, and "Dynamic Admission Control" of Kubernetes' documentation.
#include <string>
#include <string_view>

#include "common/result.hpp"
#include "controller/inject/json.hpp"
#include "controller/inject/mutate.hpp"

namespace steelyard::inject {

struct Review {
    std::string uid;
    std::string operation;  // "CREATE"
    std::string kind;       // "v1 Pod", "apps/v1 Deployment"
    std::string subresource;
    std::string ns;
    std::string name;  // "" where the API server is yet to make one up
    bool dry_run = false;
    Json object;  // null where there is none

    bool is_new_pod() const;
};

// The error's `where` is the path in the review.
Result<Review> parse_review(std::string_view body);

// The answer that carries an outcome; JSON.
std::string answer(const std::string& uid, const Outcome& outcome);

std::string base64(std::string_view bytes);  // RFC 4648, section 4, padded

}  // namespace steelyard::inject
