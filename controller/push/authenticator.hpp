#pragma once
// Who a peer is and what it may have: the one place where a connection is let in. Asked once for each connection, when
// its HTTP request is in and before the WebSocket is opened or anything else is read.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>

#include "common/push/message.hpp"

namespace steelyard::push {

// What is known of a peer besides its word: filled by the transport.
struct Peer {
    std::string address;        // ip:port
    std::string authorization;  // the HTTP header of the upgrade, "" without; a secret: never logged
};

// Who it is, as somebody we trust says. Empty `ns`: nobody was asked, and everything is allowed.
struct Identity {
    std::string ns;
    std::string service_account;
    std::string pod;          // "" when the token is not bound to one
    int64_t expires = 0;      // UTC seconds since 1970 when the session must end; 0 = never
    bool everywhere = false;  // may have the upstreams of every namespace
    bool edge = false;        // may take the role edge

    bool known() const { return !ns.empty(); }
    std::string to_string() const { return ns + "/" + (pod.empty() ? "serviceaccount " + service_account : pod); }
};

// `code` is unauthorized, forbidden or unavailable; `problem` is for our log, `code` alone is what a stranger is told.
struct Refusal {
    std::string code;
    std::string problem;
};

using Verdict = std::variant<Identity, Refusal>;

class Authenticator {
public:
    virtual ~Authenticator() = default;
    // `done` is called exactly once, on any thread, perhaps before this returns. Must not block.
    virtual void authenticate(const Peer& peer, std::function<void(Verdict)> done) = 0;
};

// For a trusted network: everybody is who they say.
class AllowAll final : public Authenticator {
public:
    void authenticate(const Peer&, std::function<void(Verdict)> done) override { done(Identity{}); }
};

// May a peer of this identity say this hello? A pod's proxy is called by the pod's name, alone or after its namespace
// and a slash ("web-0", "shop/web-0"), or by it with a dash and digits (the default name: host name and process id).
// Under a token that is not bound to a pod any name will do. Edges need the right to be one.
std::optional<ErrorMessage> check_hello(const Identity& identity, const Hello& hello);

// Under which name its session is known: nobody can take a name that belongs to another pod or namespace.
std::string session_name(const Identity& identity, const Hello& hello);

}  // namespace steelyard::push
