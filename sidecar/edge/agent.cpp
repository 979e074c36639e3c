#include "sidecar/edge/agent.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <utility>

#include "common/files/text_file.hpp"
#include "common/log.hpp"
#include "sidecar/upstream/slow_start.hpp"
#include "sidecar/vip/config/state_file.hpp"

namespace steelyard::edge {
namespace {

push::VirtualIpState to_push(vip::RouterState state) {
    switch (state) {
        case vip::RouterState::init:
            return push::VirtualIpState::init;
        case vip::RouterState::backup:
            return push::VirtualIpState::backup;
        case vip::RouterState::master:
            return push::VirtualIpState::master;
        case vip::RouterState::fault:
            break;
    }
    return push::VirtualIpState::fault;
}

std::vector<push::VirtualIpReport> to_push(const vip::StateFile& file) {
    std::vector<push::VirtualIpReport> reports;
    for (const auto& router : file.routers) {
        if (reports.size() == push::kMaxReportedVirtualIps) break;
        push::VirtualIpReport& report = reports.emplace_back();
        report.router_id = router.id;
        report.ipv6 = router.family == vip::Family::ipv6;
        for (const auto& address : router.addresses) {
            if (report.addresses.size() < push::kMaxReportedAddresses) {
                report.addresses.push_back(address.ip.to_string());
            }
        }
        report.interface = router.interface;
        report.state = to_push(router.state);
        report.conflicts = router.conflicts;
        report.splits = router.splits;
        report.problem = router.problem;
    }
    return reports;
}

}  // namespace

Agent::Agent(AgentOptions options, const config::ConfigState& state, Runtime& runtime, OnReport on_report)
    : options_(std::move(options)),
      state_(state),
      runtime_(runtime),
      on_report_(std::move(on_report)),
      claims_(options_.node) {}

void Agent::refresh(TimePoint now) {
    if (now - retried_ >= kRetry) {
        retried_ = now;
        runtime_.retry_failed();
    }
    if (!options_.config_file.empty()) make_plan();
    if (!options_.state_file.empty()) read_state(now);
    follow_leases(now);
}

void Agent::tick(TimePoint now) {
    if (now - retried_ >= kRetry) return refresh(now);
    if (!options_.state_file.empty()) read_state(now);
    follow_leases(now);
}

Standing Agent::standing_of(const config::VirtualIp& ip) const {
    const auto& nodes = ip.nodes;
    if (!nodes.empty() && std::find(nodes.begin(), nodes.end(), options_.node) == nodes.end()) return Standing::unfit;
    const auto& local = ip.local_upstreams;
    const auto ready_here = [this](const std::string& upstream) { return runtime_.has_local_host(upstream); };
    if (!local.empty() && std::none_of(local.begin(), local.end(), ready_here)) return Standing::unfit;
    for (const auto& [name, failed] : runtime_.failed_listeners()) {
        if (std::find(ip.addresses.begin(), ip.addresses.end(), failed.address) != ip.addresses.end()) {
            return Standing::impaired;
        }
    }
    return Standing::sound;
}

void Agent::make_plan() {
    // Before the first configuration nobody knows what should be done: what steelyard-vip does goes on.
    if (state_.version().empty()) return;
    Plan plan = edge::make_plan(state_.virtual_ips(), options_.node, draining_,
                                [this](const config::VirtualIp& ip) { return standing_of(ip); });
    if (plan.problems != problems_) {
        for (const auto& problem : plan.problems) log::error("{}", problem);
        problems_ = std::move(plan.problems);
    }
    plan_ = std::move(plan.config);
    leases_ = std::move(plan.leases);
}

void Agent::write_plan() {
    for (auto& router : plan_.routers) {
        if (router.by_lease()) router.lease_until_ms = static_cast<uint64_t>(steady_ms(claims_.until(router.id)));
    }
    if (told_ == plan_) return;
    const std::string text = vip::encode_config(plan_);
    // What steelyard-vip would refuse whole is not written: its last good file is better.
    auto written = Result<void>{};
    if (const auto checked = vip::decode_config(text, options_.config_file); !checked) {
        written = checked.error();
    } else {
        written = files::replace_text_file(options_.config_file, text, files::Keep::for_this_boot);
    }
    if (written) {
        ++stats_.config_writes;
        const bool renewed = told_ && vip::same_but_leases(*told_, plan_);
        told_ = plan_;
        write_problem_.clear();
        if (renewed) return;
        return log::info("{} virtual routers are this node's to run; told to {}", plan_.routers.size(),
                         options_.config_file);
    }
    ++stats_.config_failures;
    const std::string problem = written.error().to_string();
    if (std::exchange(write_problem_, problem) != problem) {
        log::error("{}; steelyard-vip goes on with what it was told before", problem);
    }
}

void Agent::read_state(TimePoint now) {
    struct stat status {};
    Mark mark;
    if (::stat(options_.state_file.c_str(), &status) == 0) {
        mark = {status.st_ino, status.st_size, status.st_mtim.tv_sec * 1'000'000'000LL + status.st_mtim.tv_nsec};
    }
    if (!(mark == mark_)) {
        mark_ = mark;
        const auto file = vip::load_state(options_.state_file);
        if (file && *file) {
            ++stats_.state_reads;
            read_problem_.clear();
            heard_ms_ = static_cast<int64_t>((*file)->monotonic_ms);
            heard_ = to_push(**file);
            kept_.clear();
            for (const auto& ip : (*file)->kept) kept_.push_back(ip.to_string());
        } else if (!file) {
            ++stats_.state_failures;
            const std::string problem = file.error().to_string();
            if (std::exchange(read_problem_, problem) != problem) log::error("{}; it is passed over", problem);
        }
    }
    // A moment that is yet to come is one of another boot.
    const int64_t age = steady_ms(now) - heard_ms_;
    stats_.silent = heard_ms_ == 0 || age > kSilence.count() || age < -kSilence.count();
    set_leaving(stats_.silent ? std::vector<std::string>{} : kept_);
    auto reports = heard_;
    if (stats_.silent) {
        for (auto& report : reports) {
            report.state = push::VirtualIpState::fault;
            report.problem =
                "steelyard-vip has not been heard of for more than " + std::to_string(kSilence.count() / 1000) + " s";
        }
    }
    set_reports(std::move(reports));
}

// Tunnels and TCP go on; HTTP clients that keep their connections are to come back by the address' new holder.
void Agent::set_leaving(std::vector<std::string> addresses) {
    if (addresses == leaving_) return;
    leaving_ = std::move(addresses);
    if (!leaving_.empty()) {
        log::info("{} addresses are another node's now; HTTP connections to them end with their next answer",
                  leaving_.size());
    }
    runtime_.set_leaving(leaving_);
}

void Agent::set_reports(std::vector<push::VirtualIpReport> reports) {
    if (reports == reports_) return;
    for (const auto& report : reports) {
        const auto before = std::find_if(reports_.begin(), reports_.end(), [&](const auto& other) {
            return other.router_id == report.router_id && other.ipv6 == report.ipv6;
        });
        if (before != reports_.end() && before->state == report.state) continue;
        log::info("virtual router {} ({}) is {} on {}{}{}", report.router_id, report.ipv6 ? "ipv6" : "ipv4",
                  push::to_string(report.state), report.interface.empty() ? "no interface" : report.interface,
                  report.problem.empty() ? "" : ": ", report.problem);
    }
    reports_ = std::move(reports);
    if (on_report_) on_report_(reports_);
}

}  // namespace steelyard::edge
