#pragma once
// What becomes of one pod: a patch that injects the sidecar, nothing (with the reason), or a refusal (with a message for whoever
// creates the pod). Pure: no clock, no I/O, no state; the same pod, configuration and CA give the same outcome, and an injected pod is
// left alone. docs/sidecar.md tells what is injected and why; tests/golden/inject has pods beside what they become.
// Patch: RFC 6902. It adds only; nothing of the pod's own is replaced but the one annotation that names evictable volumes.
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "controller/inject/config.hpp"
#include "controller/inject/json.hpp"

namespace steelyard::inject {

constexpr std::string_view kInjectLabel = "steelyard.dev/inject";
constexpr std::string_view kSidecarName = "steelyard-sidecar";
constexpr std::string_view kCaptureName = "steelyard-capture";
constexpr std::string_view kStateVolume = "steelyard-state";
constexpr std::string_view kTokenVolume = "steelyard-token";

struct Namespace {
    std::string name;
    // Not known when the API server asks, which sends no namespace: its selector has looked at the label, and the namespace counts as
    // opted in.
    std::optional<std::map<std::string, std::string>> labels;
};

enum class Decision { inject, skip, refuse };

struct Outcome {
    Decision decision = Decision::skip;
    std::string reason;                 // one word, an event's reason: "Injected", "HostNetwork", "InvalidAnnotation"
    std::string message;                // for people; of a refusal: where, what is wrong, what to do
    std::vector<std::string> warnings;  // for whoever creates the pod; kubectl prints them
    bool remarkable = false;            // worth an event: the pod is not what its owner asked for
    bool temporary = false;             // of a refusal: the controller is not ready, the pod is not to blame
    Json patch = Json::array();         // of an injection
};

// `service_cidrs` stands in for configuration that names none. `ca_pem` may be empty when the controller speaks plain ws://.
Outcome mutate(const Json& pod, const Namespace& ns, const InjectConfig& config,
               const std::vector<std::string>& service_cidrs, std::string_view ca_pem);

}  // namespace steelyard::inject
