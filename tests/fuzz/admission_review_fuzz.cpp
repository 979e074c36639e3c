// What may be posted to the webhook: any bytes are answered or refused, an injection's patch applies to the pod it is for, names stay
// unique, and the pod that comes out is left alone the second time.
#include <cstdlib>
#include <set>
#include <string>
#include <string_view>

#include "controller/inject/mutate.hpp"
#include "controller/inject/review.hpp"

namespace {

using namespace steelyard;
using namespace steelyard::inject;

const InjectConfig& config() {
    static const InjectConfig kConfig =
        *parse_inject_config("image: a\ncontrollerURL: wss://c:9443\ncapture: {serviceCIDRs: [10.96.0.0/16]}\n");
    return kConfig;
}

void check(bool holds) {
    if (!holds) std::abort();
}

void apply(Json& pod, const Json& patch) {
    for (const Json& operation : patch) {
        const Json::json_pointer pointer(operation.at("path").get<std::string>());
        Json& parent = pod.at(pointer.parent_pointer());
        const std::string last = pointer.back();
        if (parent.is_object()) {
            parent[last] = operation.at("value");
        } else if (last == "-") {
            parent.push_back(operation.at("value"));
        } else {
            parent.insert(parent.begin() + std::stol(last), operation.at("value"));
        }
    }
}

size_t count(const Json& list, std::string_view name) {
    size_t found = 0;
    for (const Json& one : list) found += text_of(one, "name") == name;
    return found;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    auto review = parse_review(text);
    if (!review) {
        check(!review.error().problem.empty());
        return 0;
    }
    if (!review->is_new_pod()) return 0;
    const Namespace ns{review->ns, std::nullopt};
    const Outcome outcome = mutate(review->object, ns, config(), {}, "CA");
    check(!parse_json<Json>(answer(review->uid, outcome)).is_discarded());
    if (outcome.decision != Decision::inject) return 0;
    apply(review->object, outcome.patch);
    check(count(review->object.at("spec").at("initContainers"), kSidecarName) == 1);
    check(count(review->object.at("spec").at("volumes"), kTokenVolume) == 1);
    check(mutate(review->object, ns, config(), {}, "CA").decision == Decision::skip);
    return 0;
}
