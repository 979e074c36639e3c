#pragma once
// Writes Events to the API server from a thread of its own: a bounded queue in, the aggregator's decisions out. An API server
// that does not answer is asked again, at growing intervals, for as long as a minute an Event; what comes meanwhile waits
// in the queue, and is dropped and counted when that is full.
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "controller/events/aggregator.hpp"
#include "controller/events/event.hpp"

namespace steelyard::kube {
class Client;
}

namespace steelyard::events {

struct RecorderOptions {
    std::string identity;  // reportingInstance: which controller says it
    Limits limits{};
    size_t max_queue = 4096;
    Milliseconds pace{20};          // between two writes
    Milliseconds patience{60'000};  // for one write
    Milliseconds retry_base{200};
    Milliseconds retry_limit{10'000};
};

struct RecorderStats {
    uint64_t created = 0, updated = 0;
    uint64_t known = 0;       // was there already, said by another or before a restart
    uint64_t suppressed = 0;  // too many about one object, or a repeat that is not told
    uint64_t dropped = 0;     // the queue was full
    uint64_t failed = 0;      // refused, or the API server did not answer for too long

    std::array<std::pair<std::string_view, uint64_t>, 6> by_result() const {
        return {{{"created", created},
                 {"updated", updated},
                 {"known", known},
                 {"suppressed", suppressed},
                 {"dropped", dropped},
                 {"failed", failed}}};
    }
};

class Recorder final : public Sink {
public:
    // `client` outlives the recorder.
    Recorder(kube::Client& client, RecorderOptions options);
    ~Recorder() override;  // stops
    Recorder(const Recorder&) = delete;
    Recorder& operator=(const Recorder&) = delete;

    void start();
    void request_stop();  // begins what stop() waits for
    void stop();          // prompt: what waits is not written any more
    void record(EventSpec event) override;
    RecorderStats stats() const;

private:
    class Impl;
    std::unique_ptr<Impl> impl_;
};

}  // namespace steelyard::events
