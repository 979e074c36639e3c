#pragma once
// From the body of a webhook call to its answer: reads the review, asks the rules, counts, says what is remarkable. Thread-safe; never
// blocks, as long as its sources do not.
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "common/clock.hpp"
#include "controller/inject/config.hpp"

namespace steelyard::inject {

// An event about the pod's owner, or about the pod where it has none, in the pod's namespace.
struct InjectEvent {
    std::string api_version, kind, ns, name, uid;  // of what it regards
    std::string reason;                            // "InvalidAnnotation", "HostNetwork"
    std::string note;                              // names the pod and what is wrong
};

// Where the injector gets what it does not own. Each is called from the webhook's thread and returns at once.
struct InjectSources {
    std::function<std::shared_ptr<const InjectConfig>()> config;
    std::function<std::string()> ca_pem;                      // "" = there is none (yet)
    std::function<std::vector<std::string>()> service_cidrs;  // of the cluster; empty = not known
    std::function<void(const InjectEvent&)> event;            // may be absent
};

struct InjectStats {
    uint64_t injected = 0, skipped = 0, refused = 0;
    uint64_t errors = 0;  // calls that were no admission review
};

class Injector {
public:
    struct Answer {
        unsigned status = 200;
        std::string body;  // JSON with status 200, else one line of text
    };

    explicit Injector(InjectSources sources) : sources_(std::move(sources)) {}

    Answer handle(std::string_view body);
    void count_error() { ++errors_; }  // a call that did not get this far
    InjectStats stats() const;

private:
    InjectSources sources_;
    std::atomic<uint64_t> injected_{0}, skipped_{0}, refused_{0}, errors_{0};
    std::atomic<TimePoint>
        next_complaint_{};  // about calls that are no reviews: whoever sends them does not fill the log
};

}  // namespace steelyard::inject
