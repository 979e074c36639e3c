#pragma once
// The proxy's side of the two files between it and steelyard-vip, in role edge: writes what this node should do, whenever that changes, and
// reads what it does. Claims the Leases of virtual routers that go by one. Opens listeners again that could not be opened. Main thread only.
//
// The files are on a tmpfs that both containers have; a file that is missing, torn or wrong is told once and the last good one stays. What
// steelyard-vip does is believed while its file is renewed (each second): after kSilence its routers are at fault.
#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/clock.hpp"
#include "common/push/message.hpp"
#include "sidecar/config/state.hpp"
#include "sidecar/edge/lease_claims.hpp"
#include "sidecar/edge/plan.hpp"
#include "sidecar/runtime/runtime.hpp"

namespace steelyard::edge {

struct AgentOptions {
    std::string node;
    std::string config_file;  // "": none is written
    std::string state_file;   // "": none is read
};

struct AgentStats {
    uint64_t config_writes = 0, config_failures = 0;
    uint64_t state_reads = 0, state_failures = 0;
    bool silent = false;  // steelyard-vip has not written for too long, or never
};

class Agent {
public:
    static constexpr Milliseconds kInterval{250};
    static constexpr Milliseconds kRetry{1'000};
    static constexpr Milliseconds kSilence{5'000};
    // With Leases: how often what steelyard-vip says is looked at; how long it may be without the proxy's readiness before they are released.
    static constexpr Milliseconds kLeaseInterval{50};
    static constexpr Milliseconds kUnready{1'000};

    // Called when what steelyard-vip does has changed.
    using OnReport = std::function<void(const std::vector<push::VirtualIpReport>&)>;
    // The connection to a controller: sends a claim if it can; makes another connection.
    struct Leases {
        std::function<bool(const push::Claim&)> send;
        std::function<void(const std::string& why)> reconnect;
    };

    Agent(AgentOptions options, const config::ConfigState& state, Runtime& runtime, OnReport on_report);

    // Looks at everything; to be called when something changed.
    void refresh(TimePoint now);
    // Each kInterval: looks at what steelyard-vip says, and each kRetry at everything.
    void tick(TimePoint now);
    void set_draining(bool draining) { draining_ = draining; }
    // When tick() is due, kInterval at the latest.
    TimePoint next_tick(TimePoint now) const;

    // Without them no Lease is claimed.
    void set_leases(Leases leases) { link_ = std::move(leases); }
    void on_session(bool in_sync, TimePoint now);
    void on_grant(const push::Grant& grant, TimePoint now);

    const vip::Config& plan() const { return plan_; }
    const LeaseClaims& claims() const { return claims_; }
    const std::vector<std::string>& problems() const { return problems_; }
    const std::vector<push::VirtualIpReport>& reports() const { return reports_; }
    const AgentStats& stats() const { return stats_; }
    const AgentOptions& options() const { return options_; }

private:
    // What tells one version of a file from the next.
    struct Mark {
        ino_t inode = 0;
        off_t size = 0;
        int64_t changed_ns = 0;
        friend bool operator==(const Mark&, const Mark&) = default;
    };
    Standing standing_of(const config::VirtualIp& ip) const;
    void make_plan();
    void write_plan();
    void follow_leases(TimePoint now);
    void learn_fit(TimePoint now);
    bool is_fit(uint8_t router_id, TimePoint now) const;
    void read_state(TimePoint now);
    void set_reports(std::vector<push::VirtualIpReport> reports);
    void set_leaving(std::vector<std::string> addresses);

    const AgentOptions options_;
    const config::ConfigState& state_;
    Runtime& runtime_;
    const OnReport on_report_;
    bool draining_ = false;
    TimePoint retried_{};
    vip::Config plan_;
    std::vector<LeaseWant> leases_;  // of the plan
    LeaseClaims claims_;
    Leases link_;
    std::map<uint8_t, TimePoint> fit_;  // when steelyard-vip could have held a router's addresses last
    std::optional<vip::Config> told_;   // what the file says; nullopt: not known
    std::vector<std::string> problems_;
    std::string write_problem_, read_problem_;  // what was told last
    Mark mark_;
    int64_t heard_ms_ = 0;  // the moment of the last state file
    std::vector<push::VirtualIpReport> heard_, reports_;
    std::vector<std::string> kept_,
        leaving_;  // addresses that are another node's, with connections here: as heard, as told
    AgentStats stats_;
};

}  // namespace steelyard::edge
