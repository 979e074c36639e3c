#pragma once
// What is told to the users of a cluster by a Kubernetes Event (events.k8s.io/v1), and where one is handed in.
#include <cstdint>
#include <string>

namespace steelyard::events {

struct Regarding {
    std::string api_version;  // "v1", "apps/v1"
    std::string kind;
    std::string ns;  // empty: not in a namespace; the Event is in "default" then
    std::string name;
    std::string uid;  // empty: unknown; kubectl describe shows only Events with it
};

enum class Severity : uint8_t { normal, warning };

struct EventSpec {
    Regarding regarding;
    Severity type = Severity::warning;
    std::string reason;  // CamelCase, for programs: "InvalidAnnotation"
    std::string note;    // for people; cut to 1 kB
    std::string action;  // CamelCase, what was being done: "Translate", "Inject"
    bool once = false;   // what stands until it is mended: said again by nobody while the API server keeps the Event
};

class Sink {
public:
    virtual ~Sink() = default;
    // From any thread; never blocks and never fails: what is too much is dropped and counted.
    virtual void record(EventSpec event) = 0;
};

}  // namespace steelyard::events
