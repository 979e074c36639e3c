#pragma once
// The main thread's half of transparent capture: the table of Services' addresses as of the configuration in force, and which upstreams
// were built because a captured connection asked for them. No I/O, no clock.
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/config/state.hpp"
#include "sidecar/listener/capture_table.hpp"

namespace steelyard {

class Capture {
public:
    // Brings the table in line with what changed. True when it is another one now.
    bool update(const config::ConfigState& state, const config::ChangeSet& changes);
    const std::shared_ptr<const CaptureTable>& table() const { return table_; }

    void demand(const std::string& upstream, TimePoint now) { demanded_.try_emplace(upstream, Use{0, now}); }
    void forget(const std::string& upstream) { demanded_.erase(upstream); }
    bool demanded(const std::string& upstream) const { return demanded_.contains(upstream); }
    std::vector<std::string> demanded() const;

    // What has served nobody for `timeout`. `served` says how much an upstream has served ever; nothing is told of one
    // that serves somebody now (nullopt). Call it often enough: a change is noticed when it is asked for.
    std::vector<std::string> idle(TimePoint now, Milliseconds timeout,
                                  const std::function<std::optional<uint64_t>(const std::string&)>& served);

private:
    struct Use {
        uint64_t served;
        TimePoint since;  // when it was seen to be at that
    };
    std::map<std::string, std::shared_ptr<const config::Upstream>> known_;  // those with an address, by canonical name
    std::shared_ptr<const CaptureTable> table_ = std::make_shared<const CaptureTable>();
    std::map<std::string, Use> demanded_;  // by canonical name
};

}  // namespace steelyard
