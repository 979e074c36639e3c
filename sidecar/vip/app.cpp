#include "sidecar/vip/app.hpp"

#include <algorithm>
#include <fstream>
#include <string>
#include <utility>

#include "common/admin/server.hpp"
#include "common/files/text_file.hpp"
#include "common/log.hpp"
#include "common/metrics/builder.hpp"
#include "common/net/asio.hpp"
#include "sidecar/vip/config/state_file.hpp"
#include "sidecar/vip/config_watch.hpp"
#include "sidecar/vip/fleet.hpp"
#include "sidecar/vip/flows/handover.hpp"
#include "sidecar/vip/flows/kernel.hpp"
#include "sidecar/vip/metrics.hpp"
#include "sidecar/vip/net/capabilities.hpp"
#include "sidecar/vip/ready_poller.hpp"

namespace steelyard::vip {
namespace {

constexpr Milliseconds kReadyTimeout{500};
constexpr Milliseconds kLeastWriteGap{50};
constexpr Milliseconds kMostWriteGap{1000};
constexpr std::chrono::seconds kTend{1};
constexpr Milliseconds kEndPoll{10};
constexpr Milliseconds kFlowTick{400};
constexpr const char* kNft = "nft";

uint64_t now_ms() {
    return static_cast<uint64_t>(std::chrono::duration_cast<Milliseconds>(Clock::now().time_since_epoch()).count());
}

std::string read_boot_id() {
    std::ifstream file("/proc/sys/kernel/random/boot_id");
    std::string id;
    std::getline(file, id);
    return id;
}

}  // namespace

class VipApp::Impl {
public:
    explicit Impl(VipOptions options)
        : options_(std::move(options)),
          fleet_(io_, options_.ipv4_checksum, [this] { write_soon(); }),
          collector_(fleet_, stats_) {}

    Result<void> start();
    void run() { io_.run(); }

private:
    std::set<Family> install_flows();
    void open_flows(const std::set<Family>& families);
    void tend_flows();
    Result<void> start_admin();
    void load_state();
    void load_config();
    void begin(bool ready);
    void start_poller();
    void on_ready(bool ready, const std::string& why);
    void write_soon();
    void write_state();
    void tend();
    void wait_for_signal();
    void end();
    void close();

    VipOptions options_;
    asio::io_context io_{1};
    Config config_;
    bool loaded_ = false;
    ProgramStats stats_;
    std::unique_ptr<Handover> flows_;  // none: connections are not kept when addresses move
    Fleet fleet_;
    VipCollector collector_;
    std::string boot_id_;
    std::optional<StateFile> former_;  // what an earlier run of this boot has left
    bool begun_ = false, ending_ = false;
    admin::Server admin_{io_};
    std::unique_ptr<ConfigWatch> watch_;
    std::unique_ptr<ReadyPoller> poller_;
    asio::signal_set signals_{io_};
    asio::steady_timer write_timer_{io_}, tend_timer_{io_}, end_timer_{io_}, flow_timer_{io_};
    TimePoint written_{}, end_by_{}, flows_by_{};
    bool write_waits_ = false, write_failed_ = false, flows_wait_ = false;
};

Result<void> VipApp::Impl::start() {
    if (auto able = check_capabilities(); !able) return able;
    const auto flows = install_flows();  // nft would find no rights afterwards
    if (auto kept = keep_needed_capabilities(); !kept) return kept;
    signals_.add(SIGTERM);
    signals_.add(SIGINT);
    wait_for_signal();
    open_flows(flows);
    if (auto opened = fleet_.open(flows_.get()); !opened) return opened;
    boot_id_ = read_boot_id();
    load_state();
    if (options_.config_file.empty()) {
        config_ = options_.config;
        loaded_ = true;
    } else {
        auto watched = ConfigWatch::open(io_, options_.config_file, [this] { load_config(); });
        if (!watched) return watched.error();
        watch_ = std::move(*watched);
        load_config();
        if (!loaded_ && stats_.config_failures == 0)
            log::info("{} is not there yet; waiting for it", options_.config_file);
    }
    if (auto started = start_admin(); !started) return started;
    if (options_.ready_url) {
        start_poller();  // its first answer begins
    } else {
        begin(true);
    }
    tend();
    return {};
}

// Without nft, or a kernel that can do it, addresses move as ever.
std::set<Family> VipApp::Impl::install_flows() {
    std::set<Family> families;
    if (options_.flow_handover == Milliseconds{0}) return families;
    for (const Family family : {Family::ipv4, Family::ipv6}) {
        if (auto done = install_flow_rules(family, kNft); done) {
            families.insert(family);
        } else {
            log::warn("{}: connections over {} are cut when an address moves", done.error().to_string(),
                      to_string(family));
        }
    }
    return families;
}

void VipApp::Impl::open_flows(const std::set<Family>& families) {
    auto kernel = NetlinkFlowKernel::open(io_);
    if (families.empty()) return;  // opened all the same: what an earlier run has left goes with it
    if (!kernel) return log::warn("{}: connections are cut when an address moves", kernel.error().to_string());
    flows_ = std::make_unique<Handover>(std::move(*kernel), families, options_.flow_handover, [this] { write_soon(); });
    stats_.flows = flows_.get();
    stats_.flows_ipv4 = families.contains(Family::ipv4);
    stats_.flows_ipv6 = families.contains(Family::ipv6);
    tend_flows();
}

void VipApp::Impl::tend_flows() {
    flow_timer_.expires_after(kFlowTick);
    flow_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        flows_->tick(Clock::now());
        tend_flows();
    });
}

Result<void> VipApp::Impl::start_admin() {
    if (options_.admin_ip.empty()) return {};
    const auto text = [](unsigned status, std::string body) {
        return admin::Response{status, "text/plain; charset=utf-8", std::move(body)};
    };
    admin_.handle("GET", "/healthz", [text] { return text(200, "ok\n"); });
    admin_.handle("GET", "/readyz", [this, text] {
        if (ending_) return text(503, "not ready: ending\n");
        if (!loaded_) return text(503, "not ready: no configuration yet\n");
        if (!begun_) return text(503, "not ready: the proxy has not been asked yet\n");
        return text(200, "ready\n");
    });
    admin_.handle("GET", "/metrics", [this] {
        return admin::Response{200, "text/plain; version=0.0.4; charset=utf-8", metrics::to_text(collector_)};
    });
    admin_.handle("GET", "/routers", [this] {
        return admin::Response{200, "application/json", routers_page(fleet_, stats_)};
    });
    return admin_.start(options_.admin_ip, options_.admin_port);
}

void VipApp::Impl::load_state() {
    if (options_.state_file.empty()) return;
    auto state = vip::load_state(options_.state_file);
    if (!state) {
        log::error("{}; starting without it", state.error().to_string());
        return;
    }
    // After another boot nothing is left on any interface.
    if (*state && (**state).boot_id == boot_id_) former_ = std::move(**state);
}

void VipApp::Impl::load_config() {
    if (ending_) return;
    auto read = vip::load_config(options_.config_file);
    if (!read) {
        ++stats_.config_failures;
        log::error("{}; {}", read.error().to_string(),
                   loaded_ ? "what was read before stays in force" : "no address is held until it is mended");
        return;
    }
    if (!*read) {
        if (loaded_) log::warn("{} is gone; what was read before stays in force", options_.config_file);
        return;
    }
    if (loaded_ && **read == config_) return;
    const bool renewed = loaded_ && same_but_leases(**read, config_);
    config_ = std::move(**read);
    loaded_ = true;
    ++stats_.config_loads;
    if (!renewed) log::info("{}: {} virtual routers", options_.config_file, config_.routers.size());
    if (begun_) fleet_.apply(config_);
}

void VipApp::Impl::begin(bool ready) {
    if (std::exchange(begun_, true)) return;
    fleet_.begin(config_, former_, now_ms(), ready);
    former_.reset();
    write_soon();
}

void VipApp::Impl::start_poller() {
    stats_.asks = true;
    poller_ = std::make_unique<ReadyPoller>(io_, *options_.ready_url,
                                            ReadyPoller::Times{options_.ready_interval, kReadyTimeout},
                                            [this](bool ready, const std::string& why) { on_ready(ready, why); });
    poller_->start();
}

void VipApp::Impl::on_ready(bool ready, const std::string& why) {
    ++stats_.ready_polls;
    if (!ready) ++stats_.ready_failures;
    if (ready != stats_.ready || stats_.ready_polls == 1) {
        if (ready) {
            log::info("the proxy is ready");
        } else {
            log::warn("the proxy is not ready: {}; no address is held", why);
        }
    }
    stats_.ready = ready;
    if (ending_) return;
    begin(ready);
    fleet_.set_ready(ready);
}

// At each change, though not more often than each 50 ms.
void VipApp::Impl::write_soon() {
    if (options_.state_file.empty() || !begun_ || std::exchange(write_waits_, true)) return;
    write_timer_.expires_at(std::max(Clock::now(), written_ + kLeastWriteGap));
    write_timer_.async_wait([this](const error_code& error) {
        if (!error) write_state();
    });
}

// And again before a restart could take it for too old: while there is a master, as often as it sends adverts.
void VipApp::Impl::write_state() {
    write_waits_ = false;
    written_ = Clock::now();
    StateFile state{boot_id_, now_ms(), {}, {}};
    if (flows_) state.kept = flows_->kept_addresses();
    for (const auto& [key, runner] : fleet_.runners()) state.routers.push_back(runner->status());
    if (auto done = files::replace_text_file(options_.state_file, encode_state(state), files::Keep::for_this_boot);
        done) {
        ++stats_.state_writes;
        write_failed_ = false;
    } else {
        ++stats_.state_failures;
        if (!std::exchange(write_failed_, true)) {
            log::error("{}; the proxy does not learn what this node holds, and a restart can not go on as master",
                       done.error().to_string());
        }
    }
    const Milliseconds beat = fleet_.any_master() ? fleet_.shortest_interval() : kMostWriteGap;
    write_timer_.expires_at(written_ + std::clamp(beat, kLeastWriteGap, kMostWriteGap));
    write_timer_.async_wait([this](const error_code& error) {
        if (!error) write_state();
    });
}

void VipApp::Impl::tend() {
    tend_timer_.expires_after(kTend);
    tend_timer_.async_wait([this](const error_code& error) {
        if (error) return;
        if (begun_) fleet_.tend();
        tend();
    });
}

void VipApp::Impl::wait_for_signal() {
    signals_.async_wait([this](const error_code& error, int) {
        if (error) return;
        if (std::exchange(ending_, true)) {
            log::warn("second signal: ending at once");
            end_by_ = flows_by_ = Clock::now();
        } else {
            log::info("ending: the addresses are handed over");
            end_by_ = Clock::now() + kLongestLinger;
            flows_by_ = end_by_ + options_.flow_handover + kForwardMargin;
            begin(false);  // where nobody has begun yet: what an earlier run has left is removed all the same
            fleet_.stop();
            end();
        }
        wait_for_signal();
    });
}

void VipApp::Impl::end() {
    const TimePoint now = Clock::now();
    const bool moving = !fleet_.finished() && now < end_by_;
    if (!moving) fleet_.finish(now < flows_by_);
    const bool flowing = flows_ && flows_->busy() && now < flows_by_;
    if (flowing && !moving && !std::exchange(flows_wait_, true)) {
        log::info("the addresses are handed over; connections to {} of them go on here, until they end or for {} ms",
                  flows_->kept_addresses().size(), options_.flow_handover.count());
    }
    if (moving || flowing) {
        end_timer_.expires_after(kEndPoll);
        end_timer_.async_wait([this](const error_code& error) {
            if (!error) end();
        });
        return;
    }
    close();
}

void VipApp::Impl::close() {
    if (!options_.state_file.empty() && begun_) write_state();
    poller_.reset();
    watch_.reset();
    admin_.stop();
    signals_.cancel();
    write_timer_.cancel();
    tend_timer_.cancel();
    flow_timer_.cancel();
    if (flows_) flows_->finish();
    log::info("ended");
    io_.stop();
}

VipApp::VipApp(VipOptions options) : impl_(std::make_unique<Impl>(std::move(options))) {}
VipApp::~VipApp() = default;
Result<void> VipApp::start() { return impl_->start(); }
void VipApp::run() { impl_->run(); }

}  // namespace steelyard::vip
