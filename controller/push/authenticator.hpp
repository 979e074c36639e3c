#pragma once
// Who a peer is and what it may have: the one place where a connection is let in. Called on the server's thread for
// each hello, before any resource is sent; must not block.
#include <optional>
#include <string>

#include "common/push/message.hpp"

namespace steelyard::push {

// What is known of a peer besides its word: filled by the transport.
struct Peer {
    std::string address;         // ip:port
    std::string authorization;   // the HTTP header of the upgrade, "" without
    std::string certificate_id;  // the verified client certificate's identity; "" on a transport without one
};

class Authenticator {
public:
    virtual ~Authenticator() = default;
    // nullopt lets it in with what it wants; an error (code "forbidden") refuses it.
    virtual std::optional<ErrorMessage> admit(const Peer& peer, const Hello& hello) = 0;
};

// For ws:// on a trusted network: everybody is who they say.
class AllowAll final : public Authenticator {
public:
    std::optional<ErrorMessage> admit(const Peer&, const Hello&) override { return std::nullopt; }
};

}  // namespace steelyard::push
