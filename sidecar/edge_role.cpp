#include "sidecar/edge_role.hpp"

#include <utility>

namespace steelyard {

EdgeRole::EdgeRole(asio::io_context& io, edge::AgentOptions options, const config::ConfigState& state, Runtime& runtime)
    : io_(io), agent_(std::move(options), state, runtime, [this](const std::vector<push::VirtualIpReport>& reports) {
          if (client_ != nullptr) client_->report({{}, reports});
      }) {}

void EdgeRole::start() { follow(); }

void EdgeRole::join(config::ConfigClient& client) {
    client_ = &client;
    client.on_session([this](bool in_sync) {
        agent_.on_session(in_sync, Clock::now());
        arm();
    });
    client.on_grant([this](const push::Grant& grant) {
        agent_.on_grant(grant, Clock::now());
        arm();
    });
    agent_.set_leases({[this](const push::Claim& claim) { return client_->claim(claim); },
                       [this](const std::string& why) { client_->reconnect(why); }});
}

void EdgeRole::refresh() {
    if (std::exchange(refresh_due_, true)) return;
    asio::post(io_, [this] {
        refresh_due_ = false;
        agent_.refresh(Clock::now());
        arm();
    });
}

void EdgeRole::set_draining() {
    agent_.set_draining(true);
    refresh();
}

void EdgeRole::follow() {
    agent_.tick(Clock::now());
    arm();
}

void EdgeRole::arm() {
    timer_.expires_at(agent_.next_tick(Clock::now()));
    timer_.async_wait([this](const error_code& error) {
        if (!error) follow();
    });
}

}  // namespace steelyard
