#pragma once
// Lets in who brings a service account's token for our audience, by the API server's TokenReview. A review blocks, so a
// few threads make them from a bounded queue; verdicts are kept briefly under the token's SHA-256 (no token is kept),
// and several connections with the same token share one review. What cannot be a token, has expired or names another
// audience is refused without asking. No answer from the API server is `unavailable`: nobody new is let in.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "common/clock.hpp"
#include "controller/kube/client.hpp"
#include "controller/push/authenticator.hpp"
#include "controller/push/token_review.hpp"

namespace steelyard::push {

struct TokenAuthenticatorOptions {
    ReviewRules rules{"steelyard", "", false};
    unsigned threads = 4;
    size_t max_waiting = 1024;       // connections; more are `unavailable`
    size_t max_cached = 10'000;      // tokens
    Milliseconds keep_good{60'000};  // how long a deleted pod's token may still open a connection, at most
    Milliseconds keep_refused{2'000};
    std::function<int64_t()> now;  // UTC seconds; none = the system clock
};

struct TokenAuthenticatorStats {
    uint64_t reviews = 0, failed_reviews = 0, cached = 0;
    size_t waiting = 0;
};

class TokenAuthenticator final : public Authenticator {
public:
    // `client` outlives it.
    TokenAuthenticator(TokenAuthenticatorOptions options, kube::Client& client);
    ~TokenAuthenticator() override;  // stop()

    void authenticate(const Peer& peer, std::function<void(Verdict)> done) override;
    // Ends reviews under way; who waits is told `unavailable`.
    void stop();
    TokenAuthenticatorStats stats() const;

private:
    class Core;
    std::unique_ptr<Core> core_;
};

}  // namespace steelyard::push
