// Accepting, the registry of proxies, and what their machines ask for. No Beast here: connection_ws.cpp has it.
#include "controller/push/server.hpp"

#include <malloc.h>

#include <algorithm>
#include <mutex>
#include <unordered_map>

#include "common/log.hpp"
#include "common/net/asio.hpp"
#include "common/push/codec.hpp"
#include "controller/push/connection.hpp"

namespace steelyard::push {
namespace {

using tcp = asio::ip::tcp;

constexpr auto kTick = std::chrono::seconds{1};
constexpr auto kAcceptRetry = std::chrono::milliseconds{100};
constexpr auto kGoodbye = std::chrono::seconds{1};   // from stop() until what still hangs is cut
constexpr auto kCloseWithin = std::chrono::seconds{5};
constexpr unsigned kMaxComplaints = 20;               // log lines about peers in one tick; the counters have them all
constexpr uint64_t kTrimBytes = 1u << 20;

int64_t unix_ms() {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_refusal(const std::string& code) { return code != "replaced" && code != "stopping"; }

}  // namespace

class PushServer::Core : public std::enable_shared_from_this<PushServer::Core> {
public:
    Core(asio::io_context& io, ServerOptions options, PushCache& cache)
        : io_(io), options_(std::move(options)), cache_(cache), acceptor_(io), tick_(io), accept_retry_(io) {
        if (!options_.authenticator) options_.authenticator = std::make_shared<AllowAll>();
        stats_.version = cache_.version().to_string();
    }

    Result<void> start();
    uint16_t port() const { return port_; }
    void set_ready();
    void publish(Change change);
    void stop();
    ServerStats stats() const;

    asio::io_context& io() { return io_; }

private:
    struct Proxy {
        uint64_t id;
        std::shared_ptr<Connection> connection;
        Peer peer;
        std::optional<PushSession> session;  // from the open WebSocket on
        std::optional<TimePoint> closing_since;
        std::string closing_code;
        bool counted = false;  // as a session: its hello was accepted
    };

    void accept();
    void on_accept(tcp::socket socket);
    void on_open(uint64_t id, const Peer& peer);
    void on_message(uint64_t id, std::string_view text);
    void on_closed(uint64_t id, const std::string& why);
    std::optional<ErrorMessage> admit(uint64_t id, const Hello& hello);
    void run(Proxy& proxy, PushSession::Action action);
    void close(Proxy& proxy, const ErrorMessage& error);
    void note_message(Proxy& proxy);
    void note_nack(const Proxy& proxy);
    void welcome(Proxy& proxy);
    void arm_tick(Duration after);
    void on_tick();
    void trim();
    void refuse(const std::string& reason);
    bool may_complain() { return complaints_++ < kMaxComplaints; }
    static std::string describe(const Proxy& proxy);
    static void fill(ProxyStats& row, const Proxy& proxy);
    void note_progress(ProxyStats& row, const PushSession::Status& status);  // under the mutex

    asio::io_context& io_;
    ServerOptions options_;
    PushCache& cache_;
    tcp::acceptor acceptor_;
    asio::steady_timer tick_;
    asio::steady_timer accept_retry_;
    uint16_t port_ = 0;
    bool ready_ = false;
    bool stopping_ = false;
    uint64_t next_id_ = 1;
    std::unordered_map<uint64_t, std::unique_ptr<Proxy>> proxies_;
    std::unordered_map<std::string, uint64_t> names_;  // of proxies that said hello
    unsigned complaints_ = 0;
    uint64_t bytes_at_tick_ = 0, bytes_at_trim_ = 0;

    mutable std::mutex mutex_;  // guards what follows: written on the io_context's thread, read from any
    ServerStats stats_;
    std::unordered_map<uint64_t, ProxyStats> rows_;
};

Result<void> PushServer::Core::start() {
    const std::string where = options_.address + ":" + std::to_string(options_.port);
    error_code ec;
    const auto address = asio::ip::make_address(options_.address, ec);
    if (ec) return Error{where, "'" + options_.address + "' is not an IP address"};
    const tcp::endpoint endpoint{address, options_.port};
    const auto failed = [&](const char* what) { return Error{where, std::string(what) + ": " + ec.message()}; };
    acceptor_.open(endpoint.protocol(), ec);
    if (ec) return failed("cannot open a socket");
    acceptor_.set_option(tcp::acceptor::reuse_address(true), ec);
    acceptor_.bind(endpoint, ec);
    if (ec) return failed("cannot listen for proxies");
    acceptor_.listen(1024, ec);
    if (ec) return failed("cannot listen for proxies");
    port_ = acceptor_.local_endpoint(ec).port();
    log::info("push listening on {}:{}", options_.address, port_);
    accept();
    arm_tick(kTick);
    return {};
}

void PushServer::Core::accept() {
    acceptor_.async_accept([self = shared_from_this()](error_code ec, tcp::socket socket) {
        if (self->stopping_ || ec == asio::error::operation_aborted) return;
        if (!ec) {
            self->on_accept(std::move(socket));
            return self->accept();
        }
        if (self->may_complain()) log::warn("push: cannot accept a connection: {}; trying again", ec.message());
        self->accept_retry_.expires_after(kAcceptRetry);
        self->accept_retry_.async_wait([self](error_code cancelled) {
            if (!cancelled && !self->stopping_) self->accept();
        });
    });
}

void PushServer::Core::on_accept(tcp::socket socket) {
    if (proxies_.size() >= options_.max_connections) {
        refuse("max_connections");
        if (may_complain()) log::warn("push: a connection is refused: {} are open, the most allowed", proxies_.size());
        return;  // closes the socket
    }
    const uint64_t id = next_id_++;
    auto proxy = std::make_unique<Proxy>();
    proxy->id = id;
    proxy->connection = make_plain_connection(
        std::move(socket), {options_.max_message, options_.handshake_timeout, options_.idle_timeout});
    const auto connection = proxy->connection;
    proxies_.emplace(id, std::move(proxy));
    {
        const std::lock_guard lock{mutex_};
        ++stats_.accepted;
        stats_.connections = proxies_.size();
    }
    std::weak_ptr<Core> weak = weak_from_this();
    connection->start({[weak, id](const Peer& peer) {
                           if (const auto self = weak.lock()) self->on_open(id, peer);
                       },
                       [weak, id](std::string_view text) {
                           if (const auto self = weak.lock()) self->on_message(id, text);
                       },
                       [weak, id](const std::string& why) {
                           if (const auto self = weak.lock()) self->on_closed(id, why);
                       }});
}

void PushServer::Core::on_open(uint64_t id, const Peer& peer) {
    Proxy& proxy = *proxies_.at(id);
    proxy.peer = peer;
    if (stopping_) return close(proxy, {"stopping", "the controller is stopping"});
    proxy.session.emplace(
        cache_, options_.session, [this, id](const Hello& hello) { return admit(id, hello); }, ready_, Clock::now());
}

std::optional<ErrorMessage> PushServer::Core::admit(uint64_t id, const Hello& hello) {
    if (auto refused = options_.authenticator->admit(proxies_.at(id)->peer, hello)) return refused;
    const auto named = names_.find(hello.name);
    if (named != names_.end()) {
        Proxy& old = *proxies_.at(named->second);
        const Hello& theirs = *old.session->status().hello;
        if (theirs.instance != hello.instance) {
            return ErrorMessage{"name_in_use", "a proxy named " + hello.name + " is connected from " + old.peer.address +
                                                   ", as another instance; give each proxy its own name"};
        }
        close(old, {"replaced", "the same instance has connected again"});
    }
    names_[hello.name] = id;
    return std::nullopt;
}

void PushServer::Core::on_message(uint64_t id, std::string_view text) {
    Proxy& proxy = *proxies_.at(id);
    if (!proxy.session || proxy.closing_since) return;
    const uint64_t nacks = proxy.session->status().nacks;
    const uint64_t reports = proxy.session->status().reports;
    auto action = proxy.session->on_message(text, Clock::now());
    if (!proxy.counted && proxy.session->status().hello) welcome(proxy);
    const auto& status = proxy.session->status();
    if (status.nacks != nacks) note_nack(proxy);
    if (status.reports != reports && options_.on_report) options_.on_report(status.hello->name, *status.report);
    run(proxy, std::move(action));
    note_message(proxy);
}

void PushServer::Core::welcome(Proxy& proxy) {
    proxy.counted = true;
    const Hello& hello = *proxy.session->status().hello;
    log::info("push: {} connected, {} on node '{}', has version '{}', wants {}", describe(proxy), to_string(hello.role),
              hello.node, hello.version,
              proxy.session->subscription().everything ? "everything"
                                                       : std::to_string(proxy.session->subscription().names.size()) + " upstreams");
    const std::lock_guard lock{mutex_};
    ++stats_.sessions;
    rows_[proxy.id].connected_unix_ms = unix_ms();
}

void PushServer::Core::note_nack(const Proxy& proxy) {
    const auto& status = proxy.session->status();
    if (!may_complain()) return;
    std::string reasons;
    for (const auto& error : status.nack_errors) {
        if (reasons.size() < 1000) reasons += (reasons.empty() ? "" : "; ") + error.to_string();
    }
    log::warn("push: {} refused version {} and keeps what it has: {}", describe(proxy), status.nacked_version, reasons);
}

void PushServer::Core::run(Proxy& proxy, PushSession::Action action) {
    if (action.frame) proxy.connection->send(std::move(action.frame));
    if (action.close) close(proxy, *action.close);
}

void PushServer::Core::close(Proxy& proxy, const ErrorMessage& error) {
    if (proxy.closing_since) return;
    proxy.closing_since = Clock::now();
    proxy.closing_code = error.code;
    if (is_refusal(error.code)) {
        refuse(error.code);
        if (may_complain()) log::warn("push: {} is disconnected ({}): {}", describe(proxy), error.code, error.problem);
    }
    proxy.connection->close(encode(error));
}

void PushServer::Core::refuse(const std::string& reason) {
    const std::lock_guard lock{mutex_};
    ++stats_.refused[reason];
}

void PushServer::Core::on_closed(uint64_t id, const std::string& why) {
    const auto it = proxies_.find(id);
    if (it == proxies_.end()) return;
    const Proxy& proxy = *it->second;
    if (!proxy.session && !stopping_) refuse("handshake");
    if (proxy.counted) {
        log::info("push: {} disconnected: {}", describe(proxy), proxy.closing_since ? proxy.closing_code : why);
        const auto named = names_.find(proxy.session->status().hello->name);
        if (named != names_.end() && named->second == id) names_.erase(named);
    }
    proxies_.erase(it);
    if (stopping_ && proxies_.empty()) tick_.cancel();
    const std::lock_guard lock{mutex_};
    rows_.erase(id);
    stats_.connections = proxies_.size();
}

std::string PushServer::Core::describe(const Proxy& proxy) {
    const bool known = proxy.session && proxy.session->status().hello;
    return known ? proxy.session->status().hello->name + " (" + proxy.peer.address + ")" : proxy.peer.address;
}

void PushServer::Core::set_ready() {
    if (ready_ || stopping_) return;
    ready_ = true;
    const auto now = Clock::now();
    for (auto& [id, proxy] : proxies_) {
        if (!proxy->session || proxy->closing_since) continue;
        run(*proxy, proxy->session->on_ready(now));
        note_message(*proxy);
    }
    const auto& counts = cache_.counts();
    log::info("push: ready with {} upstreams, {} endpoints in {} slices", counts.upstreams, counts.endpoints, counts.slices);
    const std::lock_guard lock{mutex_};
    stats_.ready = true;
}

void PushServer::Core::publish(Change change) {
    const auto published = cache_.publish(std::move(change));
    for (const auto& error : published.refused) log::warn("push: {}", error.to_string());
    if (published.changed && !stopping_) {
        const auto now = Clock::now();
        for (auto& [id, proxy] : proxies_) {
            if (proxy->session && !proxy->closing_since) run(*proxy, proxy->session->on_change(now));
        }
    }
    const std::lock_guard lock{mutex_};
    if (published.changed) ++stats_.publishes;
    stats_.refused_resources += published.refused.size();
    stats_.version = cache_.version().to_string();
    stats_.cache = cache_.counts();
    for (auto& [id, row] : rows_) note_progress(row, proxies_.at(id)->session->status());
}

void PushServer::Core::note_progress(ProxyStats& row, const PushSession::Status& status) {
    stats_.snapshots += status.snapshots - row.snapshots;
    stats_.deltas += status.deltas - row.deltas;
    stats_.bytes += status.bytes - row.bytes;
    stats_.acks += status.acks - row.acks;
    stats_.nacks += status.nacks - row.nacks;
    row.acks = status.acks;
    row.nacks = status.nacks;
    row.behind = status.behind;
    row.snapshots = status.snapshots;
    row.deltas = status.deltas;
    row.bytes = status.bytes;
}

void PushServer::Core::fill(ProxyStats& row, const Proxy& proxy) {
    const auto& status = proxy.session->status();
    const Hello& hello = *status.hello;
    if (row.name.empty()) {
        row.name = hello.name;
        row.instance = hello.instance;
        row.role = to_string(hello.role);
        row.node = hello.node;
        row.zone = hello.zone;
        row.address = proxy.peer.address;
        row.everything = proxy.session->subscription().everything;
        row.wants = proxy.session->subscription().names.size();
    }
    row.acked_version = status.acked;
    row.nacked_version = status.nacked_version;
    row.nack_errors = status.nack_errors;
    if (status.report) row.report = status.report->upstreams;
    row.last_ack_seconds = std::chrono::duration<double>(status.last_ack_time).count();
}

void PushServer::Core::note_message(Proxy& proxy) {
    if (!proxy.counted) return;
    const std::lock_guard lock{mutex_};
    ProxyStats& row = rows_[proxy.id];
    note_progress(row, proxy.session->status());
    stats_.cache = cache_.counts();
    fill(row, proxy);
}

ServerStats PushServer::Core::stats() const {
    const std::lock_guard lock{mutex_};
    ServerStats out = stats_;
    out.proxies.reserve(rows_.size());
    for (const auto& [id, row] : rows_) out.proxies.push_back(row);
    std::sort(out.proxies.begin(), out.proxies.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
    return out;
}

void PushServer::Core::arm_tick(Duration after) {
    tick_.expires_after(after);
    tick_.async_wait([self = shared_from_this()](error_code cancelled) {
        if (!cancelled) self->on_tick();
    });
}

void PushServer::Core::on_tick() {
    const auto now = Clock::now();
    complaints_ = 0;
    std::vector<std::shared_ptr<Connection>> hanging;
    for (auto& [id, proxy] : proxies_) {
        if (proxy->closing_since) {
            if (stopping_ || now - *proxy->closing_since >= kCloseWithin) hanging.push_back(proxy->connection);
        } else if (stopping_) {
            hanging.push_back(proxy->connection);
        } else if (proxy->session) {
            run(*proxy, proxy->session->on_tick(now));
        }
    }
    for (const auto& connection : hanging) connection->abort();
    trim();
    if (!stopping_) arm_tick(kTick);
}

// Large frames come and go; what they leave in the heap goes back to the system once it is quiet.
void PushServer::Core::trim() {
    const uint64_t bytes = cache_.counts().encoded_bytes;
    if (bytes - bytes_at_tick_ < kTrimBytes && bytes - bytes_at_trim_ >= kTrimBytes) {
        ::malloc_trim(0);
        bytes_at_trim_ = bytes;
    }
    bytes_at_tick_ = bytes;
}

void PushServer::Core::stop() {
    if (std::exchange(stopping_, true)) return;
    error_code ignored;
    acceptor_.close(ignored);
    accept_retry_.cancel();
    for (auto& [id, proxy] : proxies_) close(*proxy, {"stopping", "the controller is stopping"});
    if (proxies_.empty()) {
        tick_.cancel();
    } else {
        arm_tick(kGoodbye);
    }
}

PushServer::PushServer(asio::io_context& io, ServerOptions options, PushCache& cache)
    : core_(std::make_shared<Core>(io, std::move(options), cache)) {}

PushServer::~PushServer() = default;

Result<void> PushServer::start() { return core_->start(); }
uint16_t PushServer::port() const { return core_->port(); }
ServerStats PushServer::stats() const { return core_->stats(); }

void PushServer::set_ready() {
    asio::dispatch(core_->io(), [core = core_] { core->set_ready(); });
}
void PushServer::publish(Change change) {
    asio::dispatch(core_->io(), [core = core_, step = std::move(change)]() mutable { core->publish(std::move(step)); });
}
void PushServer::stop() {
    asio::dispatch(core_->io(), [core = core_] { core->stop(); });
}

}  // namespace steelyard::push
