// What is said to and heard from each proxy, and the rows that stats() shows of them.
#include <algorithm>

#include "common/log.hpp"
#include "common/push/codec.hpp"
#include "controller/push/server_core.hpp"

namespace steelyard::push {
namespace {

int64_t unix_ms() {
    return std::chrono::duration_cast<Milliseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

bool is_refusal(const std::string& code) { return code != "replaced" && code != "stopping" && code != "expired"; }

// What a stranger is told.
struct HttpAnswer {
    unsigned status;
    std::string_view text;
};
HttpAnswer answer_to(const std::string& code) {
    if (code == "unauthorized") return {401, "a valid token is needed\n"};
    if (code == "forbidden") return {403, "the token may not be used here\n"};
    return {503, "tokens cannot be reviewed now; try again\n"};
}

}  // namespace

void PushServer::Core::on_request(uint64_t id, const Peer& peer) {
    Proxy& proxy = *proxies_.at(id);
    proxy.peer.address = peer.address;
    proxy.asked = Clock::now();
    options_.authenticator->authenticate(peer, [weak = weak_from_this(), id](Verdict verdict) {
        const auto self = weak.lock();
        if (!self) return;
        asio::dispatch(self->io_, [self, id, verdict = std::move(verdict)]() mutable {
            self->on_verdict(id, std::move(verdict));
        });
    });
}

void PushServer::Core::on_verdict(uint64_t id, Verdict verdict) {
    const auto it = proxies_.find(id);
    if (it == proxies_.end()) return;  // it did not wait
    Proxy& proxy = *it->second;
    if (!proxy.asked || proxy.closing_since) return;
    if (const auto* refusal = std::get_if<Refusal>(&verdict)) return turn_away(proxy, *refusal);
    proxy.asked.reset();
    proxy.identity = std::get<Identity>(std::move(verdict));
    if (proxy.identity->expires != 0) {
        const int64_t left = proxy.identity->expires * 1000 - unix_ms();
        proxy.expires = Clock::now() + Milliseconds{std::max<int64_t>(0, left)};
    }
    --strangers_;
    count_connections();
    proxy.connection->accept();
}

void PushServer::Core::turn_away(Proxy& proxy, const Refusal& refusal) {
    proxy.asked.reset();
    refuse(refusal.code);
    if (may_complain()) {
        log::warn("push: {} is not let in ({}): {}", proxy.peer.address, refusal.code, refusal.problem);
    }
    const auto answer = answer_to(refusal.code);
    proxy.connection->refuse(answer.status, answer.text);
}

void PushServer::Core::on_open(uint64_t id) {
    Proxy& proxy = *proxies_.at(id);
    if (stopping_) return close(proxy, {"stopping", "the controller is stopping"});
    proxy.session.emplace(
        cache_, options_.session, [this, id](const Hello& hello) { return admit(id, hello); }, ready_, Clock::now(),
        proxy.identity->everywhere || proxy.identity->edge ? std::string{} : proxy.identity->ns);
}

std::optional<ErrorMessage> PushServer::Core::admit(uint64_t id, const Hello& hello) {
    Proxy& proxy = *proxies_.at(id);
    if (auto refused = check_hello(*proxy.identity, hello)) return refused;
    proxy.name = session_name(*proxy.identity, hello);
    const auto named = names_.find(proxy.name);
    if (named != names_.end()) {
        Proxy& old = *proxies_.at(named->second);
        const Hello& theirs = *old.session->status().hello;
        if (theirs.instance != hello.instance) {
            return ErrorMessage{"name_in_use", "a proxy named " + hello.name + " is connected from " +
                                                   old.peer.address +
                                                   ", as another instance; give each proxy its own name"};
        }
        close(old, {"replaced", "the same instance has connected again"});
    }
    names_[proxy.name] = id;
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
    if (options_.tls && trust_) proxy.connection->send_note(Note::trust, trust_);
    const Hello& hello = *proxy.session->status().hello;
    log::info("push: {} connected{}, {} on node '{}', has version '{}', wants {}", describe(proxy),
              proxy.identity->known() ? " as " + proxy.identity->to_string() : std::string{}, to_string(hello.role),
              hello.node, hello.version,
              proxy.session->subscription().everything
                  ? "everything"
                  : std::to_string(proxy.session->subscription().names.size()) + " upstreams");
    if (hello.role == Role::edge && !proxy.session->subscription().knows_leases) {
        log::info("push: {} does not know Leases; virtual IPs that are held by one are not sent to it",
                  describe(proxy));
    }
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
    if (action.refused) {
        const auto& status = proxy.session->status();
        if (status.refused_wants != 0 && may_complain()) {
            log::warn("push: {} is not given {} of what it wants: not exported to namespace {}", describe(proxy),
                      status.refused_wants, proxy.identity->ns);
        }
        proxy.connection->send_note(Note::refused, std::move(action.refused));
    }
    if (action.claim) pass_on(proxy.id, std::move(*action.claim));
    if (action.grant) proxy.connection->send_note(Note::grant, std::move(action.grant));
    if (action.frame) proxy.connection->send(std::move(action.frame));
    if (action.close) close(proxy, *action.close);
}

// The answer comes from any thread, perhaps before this returns, and perhaps when the proxy is gone.
void PushServer::Core::pass_on(uint64_t id, ClaimOrder order) {
    auto answer = [weak = weak_from_this(), id, claim = order.id](std::vector<LeaseGrant> grants) {
        const auto self = weak.lock();
        if (!self) return;
        asio::post(self->io_, [self, id, claim, grants = std::move(grants)]() mutable {
            const auto it = self->proxies_.find(id);
            if (it == self->proxies_.end() || !it->second->session || it->second->closing_since) return;
            self->run(*it->second, it->second->session->on_grants(claim, std::move(grants)));
        });
    };
    if (options_.on_claim) return options_.on_claim(std::move(order), std::move(answer));
    std::vector<LeaseGrant> none;
    for (const auto& part : order.parts) {
        none.push_back(
            {part.claim.router_id, false, {}, 0, {}, "this controller keeps no Leases: it has no API server"});
    }
    answer(std::move(none));
}

void PushServer::Core::close(Proxy& proxy, const ErrorMessage& error) {
    if (proxy.closing_since) return;
    proxy.closing_since = Clock::now();
    proxy.closing_code = error.code;
    if (error.code == "expired") refuse(error.code);  // in the course of things: nothing to warn of
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

void PushServer::Core::count_connections() {
    const std::lock_guard lock{mutex_};
    stats_.connections = proxies_.size();
    stats_.unauthenticated = strangers_;
}

void PushServer::Core::on_closed(uint64_t id, Connection::Stage stage, const std::string& why) {
    const auto it = proxies_.find(id);
    if (it == proxies_.end()) return;
    const Proxy& proxy = *it->second;
    if (stage < Connection::Stage::refused && !stopping_) {
        refuse(stage == Connection::Stage::tls && options_.tls ? "tls" : "handshake");
        log::debug("push: {}: {}", proxy.peer.address, why);
    }
    if (!proxy.identity) --strangers_;
    if (proxy.counted) {
        log::info("push: {} disconnected: {}", describe(proxy), proxy.closing_since ? proxy.closing_code : why);
        const auto named = names_.find(proxy.name);
        if (named != names_.end() && named->second == id) names_.erase(named);
    }
    proxies_.erase(it);
    if (stopping_ && proxies_.empty()) tick_.cancel();
    count_connections();
    const std::lock_guard lock{mutex_};
    rows_.erase(id);
}

std::string PushServer::Core::describe(const Proxy& proxy) {
    const bool known = proxy.session && proxy.session->status().hello;
    return known ? proxy.session->status().hello->name + " (" + proxy.peer.address + ")" : proxy.peer.address;
}

void PushServer::Core::note_progress(ProxyStats& row, const PushSession::Status& status) {
    stats_.snapshots += status.snapshots - row.snapshots;
    stats_.deltas += status.deltas - row.deltas;
    stats_.bytes += status.bytes - row.bytes;
    stats_.acks += status.acks - row.acks;
    stats_.nacks += status.nacks - row.nacks;
    // Every message is noted, and carries one ack at most.
    if (status.acks != row.acks) stats_.ack_times.observe(std::chrono::duration<double>(status.last_ack_time).count());
    row.acks = status.acks;
    row.nacks = status.nacks;
    row.behind = status.behind;
    row.snapshots = status.snapshots;
    row.deltas = status.deltas;
    row.bytes = status.bytes;
    stats_.refused_wants += status.refused_wants_total - row.refused_wants_total;
    row.refused_wants_total = status.refused_wants_total;
    row.refused_wants = status.refused_wants;
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
        row.ns = proxy.identity->ns;
        row.service_account = proxy.identity->service_account;
        row.pod = proxy.identity->pod;
        row.everything = proxy.session->subscription().everything;
        row.wants = proxy.session->subscription().names.size();
    }
    row.acked_version = status.acked;
    row.nacked_version = status.nacked_version;
    row.nack_errors = status.nack_errors;
    if (status.report) {
        row.report = status.report->upstreams;
        row.virtual_ips = status.report->virtual_ips;
    }
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

}  // namespace steelyard::push
