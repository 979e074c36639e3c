#pragma once
// What happened to one kind so far, as /metrics and /readyz show it. A plain copy.
#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "common/clock.hpp"

namespace steelyard::kube {

struct KindStats {
    std::string kind;       // "Services", "EndpointSlices", "Pods"
    bool synced = false;    // one list was delivered to its end; stays true when the API server goes away
    bool watching = false;  // a watch is open now
    uint64_t lists = 0;     // completed
    uint64_t watches = 0;   // opened
    uint64_t objects = 0;   // delivered by lists
    uint64_t events = 0;    // added, modified, deleted
    uint64_t bookmarks = 0;
    std::map<std::string, uint64_t> errors;  // by reason: to_string(ApiErrorKind), "idle", "unnamed"
    std::optional<TimePoint> last_event;     // or bookmark
    Milliseconds last_list_took{0};
    std::string last_error;  // empty while all is well
};

}  // namespace steelyard::kube
