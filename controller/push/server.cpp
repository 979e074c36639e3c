// Accepting, publishing, the clock and the end. What is said to each proxy is in server_proxies.cpp; Beast in
// connection_ws.cpp.
#include <malloc.h>

#include <utility>

#include "common/log.hpp"
#include "common/push/codec.hpp"
#include "controller/push/server_core.hpp"

namespace steelyard::push {
namespace {

using tcp = asio::ip::tcp;

constexpr auto kTick = std::chrono::seconds{1};
constexpr auto kAcceptRetry = std::chrono::milliseconds{100};
constexpr auto kGoodbye = std::chrono::seconds{1};  // from stop() until what still hangs is cut
constexpr auto kCloseWithin = std::chrono::seconds{5};
constexpr unsigned kMaxComplaints = 20;
constexpr uint64_t kTrimBytes = 1u << 20;

}  // namespace

PushServer::Core::Core(asio::io_context& io, ServerOptions options, PushCache& cache)
    : io_(io), options_(std::move(options)), cache_(cache), acceptor_(io), tick_(io), accept_retry_(io) {
    if (!options_.authenticator) options_.authenticator = std::make_shared<AllowAll>();
    stats_.version = cache_.version().to_string();
    stats_.max_connections = options_.max_connections;
}

bool PushServer::Core::may_complain() { return complaints_++ < kMaxComplaints; }

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
    if (strangers_ >= options_.max_unauthenticated) {
        refuse("unauthenticated");
        if (may_complain())
            log::warn("push: a connection is refused: {} are not let in yet, the most allowed", strangers_);
        return;
    }
    std::shared_ptr<asio::ssl::context> context;
    if (options_.tls) {
        context = options_.tls->current();
        if (!context) return refuse("tls");  // no certificate yet: it will come again
    }
    const uint64_t id = next_id_++;
    auto proxy = std::make_unique<Proxy>();
    proxy->id = id;
    proxy->connection =
        make_connection(std::move(socket), {options_.max_message, options_.handshake_timeout, options_.idle_timeout},
                        std::move(context));
    const auto connection = proxy->connection;
    proxies_.emplace(id, std::move(proxy));
    ++strangers_;
    {
        const std::lock_guard lock{mutex_};
        ++stats_.accepted;
    }
    count_connections();
    std::weak_ptr<Core> weak = weak_from_this();
    connection->start({[weak, id](const Peer& peer) {
                           if (const auto self = weak.lock()) self->on_request(id, peer);
                       },
                       [weak, id] {
                           if (const auto self = weak.lock()) self->on_open(id);
                       },
                       [weak, id](std::string_view text) {
                           if (const auto self = weak.lock()) self->on_message(id, text);
                       },
                       [weak, id](Connection::Stage stage, const std::string& why) {
                           if (const auto self = weak.lock()) self->on_closed(id, stage, why);
                       }});
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
    log::info("push: ready with {} upstreams, {} endpoints in {} slices", counts.upstreams, counts.endpoints,
              counts.slices);
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

void PushServer::Core::set_trust(const std::string& bundle) {
    trust_ = std::make_shared<const std::string>(encode(Trust{bundle}));
    if (!options_.tls) return;
    for (auto& [id, proxy] : proxies_) {
        if (proxy->counted && !proxy->closing_since) proxy->connection->send_note(Note::trust, trust_);
    }
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
        } else if (proxy->asked && now - *proxy->asked >= options_.verdict_timeout) {
            turn_away(*proxy, {"unavailable", "the authenticator has not answered"});
        } else if (proxy->expires && now >= *proxy->expires) {
            close(*proxy, {"expired", "the token has expired; connect again with a new one"});
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
void PushServer::set_trust(std::string bundle) {
    asio::dispatch(core_->io(), [core = core_, pem = std::move(bundle)] { core->set_trust(pem); });
}
void PushServer::stop() {
    asio::dispatch(core_->io(), [core = core_] { core->stop(); });
}

}  // namespace steelyard::push
