#include "controller/inject/review.hpp"

#include "common/config/problems.hpp"

namespace steelyard::inject {
namespace {

constexpr const char* kApiVersion = "admission.k8s.io/v1";
constexpr size_t kMaxWarning = 250;  // Kubernetes cuts at 256
constexpr size_t kMaxUid = 256;

std::string group_version_kind(const Json& request) {
    const Json* kind = member(request, "kind");
    if (kind == nullptr) return {};
    const std::string group(text_of(*kind, "group"));
    return (group.empty() ? "" : group + "/") + std::string(text_of(*kind, "version")) + " " +
           std::string(text_of(*kind, "kind"));
}

std::string utf8(const Json& value) { return value.dump(-1, ' ', false, Json::error_handler_t::replace); }

}  // namespace

bool Review::is_new_pod() const { return kind == "v1 Pod" && operation == "CREATE" && subresource.empty(); }

Result<Review> parse_review(std::string_view body) {
    auto parsed = parse_json<Json>(body);
    if (parsed.is_discarded()) return Error{"", "the body is not JSON, or nests deeper than 100 levels"};
    if (text_of(parsed, "kind") != "AdmissionReview") return Error{"kind", "is not AdmissionReview"};
    if (text_of(parsed, "apiVersion") != kApiVersion)
        return Error{"apiVersion", "'" + config::shown(text_of(parsed, "apiVersion")) + "' is not " + kApiVersion};
    const Json* request = member(parsed, "request");
    if (request == nullptr || !request->is_object()) return Error{"request", "is missing"};
    Review review;
    review.uid = text_of(*request, "uid");
    if (review.uid.empty() || review.uid.size() > kMaxUid)
        return Error{"request.uid", "is not a uid of 1-256 characters"};
    review.operation = text_of(*request, "operation");
    if (review.operation.empty()) return Error{"request.operation", "is missing"};
    review.kind = group_version_kind(*request);
    if (review.kind.empty()) return Error{"request.kind", "is missing"};
    review.subresource = text_of(*request, "subResource");
    review.ns = text_of(*request, "namespace");
    review.name = text_of(*request, "name");
    review.dry_run = is_true(*request, "dryRun");
    if (!review.is_new_pod()) return review;
    const Json* object = member(*request, "object");
    if (object == nullptr || !object->is_object()) return Error{"request.object", "is missing"};
    if (review.ns.empty()) return Error{"request.namespace", "is missing"};
    review.object = std::move(parsed["request"]["object"]);  // a pod may be large: moved, not copied
    return review;
}

std::string answer(const std::string& uid, const Outcome& outcome) {
    Json response = {{"uid", uid}, {"allowed", outcome.decision != Decision::refuse}};
    if (outcome.decision == Decision::refuse) {
        response["status"] = {{"status", "Failure"},
                              {"message", outcome.message},
                              {"reason", outcome.temporary ? "ServiceUnavailable" : "Forbidden"},
                              {"code", outcome.temporary ? 503 : 403}};
    }
    if (outcome.decision == Decision::inject) {
        response["patchType"] = "JSONPatch";
        response["patch"] = base64(utf8(outcome.patch));
    }
    if (!outcome.warnings.empty()) {
        Json warnings = Json::array();
        for (const auto& warning : outcome.warnings) warnings.push_back(warning.substr(0, kMaxWarning));
        response["warnings"] = std::move(warnings);
    }
    const Json review = {{"apiVersion", kApiVersion}, {"kind", "AdmissionReview"}, {"response", std::move(response)}};
    return utf8(review);
}

std::string base64(std::string_view bytes) {
    constexpr const char* kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string out;
    out.reserve((bytes.size() + 2) / 3 * 4);
    for (size_t i = 0; i < bytes.size(); i += 3) {
        uint32_t group = 0;
        for (size_t k = 0; k < 3; ++k)
            group = group << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
        for (size_t k = 0; k < 4; ++k) out += i + k <= bytes.size() ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
    }
    return out;
}

}  // namespace steelyard::inject
