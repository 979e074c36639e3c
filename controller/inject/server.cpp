#include "controller/inject/server.hpp"

#include <algorithm>
#include <utility>

#include "common/log.hpp"
#include "controller/inject/server_core.hpp"

namespace steelyard::inject {

using tcp = asio::ip::tcp;

void Server::Core::accept() {
    if (accepting || stopping || !acceptor.is_open()) return;
    if (connections.size() >= limits.connections && !least_wanted()) return;  // ended() comes back here
    accepting = true;
    acceptor.async_accept([self = shared_from_this()](error_code error, tcp::socket socket) {
        self->accepting = false;
        if (!self->acceptor.is_open()) return;
        if (!error) self->adopt(std::move(socket));
        if (!error) return self->accept();
        // Out of descriptors, say: not at full speed.
        auto pause = std::make_shared<asio::steady_timer>(self->io, Milliseconds(100));
        pause->async_wait([self, pause](const error_code&) { self->accept(); });
    });
}

void Server::Core::adopt(tcp::socket socket) {
    auto context = tls();
    if (!context) return count_refused("no_certificate");
    if (connections.size() >= limits.connections) {
        if (const auto leaves = least_wanted()) leaves->close();
    }
    error_code ignored;
    socket.set_option(tcp::no_delay(true), ignored);
    const uint64_t id = next_id++;
    auto connection = Connection::make(shared_from_this(), id, std::move(socket), std::move(context));
    connections.emplace(id, connection);
    {
        const std::lock_guard lock(mutex);
        ++stats.accepted;
        stats.connections = connections.size();
    }
    connection->run();
}

// The connection that makes room for a newcomer: the one that has been idle longest; of those that never asked for anything as long as they
// hold more than a quarter of the places, so that a crowd of silent peers does not close the API server's connection under a request that
// is on its way, nor a crowd of busy ones a newcomer in its handshake. Null if none is idle.
std::shared_ptr<Connection> Server::Core::least_wanted() const {
    std::shared_ptr<Connection> known, stranger;
    size_t strangers = 0;
    for (const auto& [id, weak] : connections) {
        auto connection = weak.lock();
        if (!connection || !connection->idle_since()) continue;
        if (!connection->known()) ++strangers;
        auto& oldest = connection->known() ? known : stranger;
        if (!oldest || *connection->idle_since() < *oldest->idle_since()) oldest = std::move(connection);
    }
    return !known || strangers > std::max<size_t>(1, limits.connections / 4) ? stranger : known;
}

void Server::Core::ended(uint64_t id) {
    connections.erase(id);
    {
        const std::lock_guard lock(mutex);
        stats.connections = connections.size();
    }
    if (!stopping) asio::post(io, [self = shared_from_this()] { self->accept(); });
}

void Server::Core::count_refused(const char* reason) {
    const std::lock_guard lock(mutex);
    ++stats.refused[reason];
}

bool Server::Core::reserve(uint64_t bytes) {
    if (body_bytes + bytes > limits.all_body_bytes) return false;
    body_bytes += bytes;
    return true;
}

Server::Server(asio::io_context& io, Tls tls, Handler handler, ServerLimits limits)
    : core_(std::make_shared<Core>(io, std::move(tls), std::move(handler), limits)) {}

Server::~Server() {
    error_code ignored;
    core_->acceptor.close(ignored);
}

Result<void> Server::start(const std::string& ip, uint16_t port) {
    error_code error;
    const auto address = asio::ip::make_address(ip, error);
    const tcp::endpoint endpoint(address, port);
    auto& acceptor = core_->acceptor;
    if (!error) acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(asio::socket_base::reuse_address(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    const bool v6 = !error && address.is_v6();
    const std::string place = (v6 ? "[" + ip + "]:" : ip + ":");
    if (error) return Error{"--webhook-listen " + place + std::to_string(port), error.message()};
    log::info("webhook listening on {}{}", place, this->port());
    core_->accept();
    return {};
}

uint16_t Server::port() const {
    error_code error;
    return core_->acceptor.local_endpoint(error).port();
}

void Server::stop() {
    core_->stopping = true;
    error_code ignored;
    core_->acceptor.close(ignored);
    for (const auto& [id, weak] : core_->connections) {
        const auto connection = weak.lock();
        if (connection && connection->idle_since()) connection->close();
    }
}

bool Server::idle() const { return core_->connections.empty(); }

ServerStats Server::stats() const {
    const std::lock_guard lock(core_->mutex);
    return core_->stats;
}

}  // namespace steelyard::inject
