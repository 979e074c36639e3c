#pragma once
// Whom the proxy trusts to be its controller, and the token that it shows: files that others replace while it runs, and
// what the controller itself has told of its next CA. Blocks on small files; one thread (the main one).
#include <memory>
#include <string>

#include "common/result.hpp"

namespace boost::asio::ssl {
class context;
}

namespace steelyard::config {

class TrustStore {
public:
    struct Options {
        std::string ca_file;  // read again for each connection
        std::string ca_pem;   // besides or instead
        std::string learned;  // where what the controller told is kept over restarts; "" = in memory only
    };
    // What was learned before is read here; garbage is logged and left out.
    explicit TrustStore(Options options);

    // Trusts the configured CAs and the learned ones. A CA file that cannot be read is an error unless something was
    // learned.
    Result<std::shared_ptr<boost::asio::ssl::context>> context() const;

    // A bundle told over a connection that was trusted: takes the place of the one learned before, and is saved. True if
    // it is another one. A bundle that is none is refused and changes nothing.
    Result<bool> learn(const std::string& pem);

private:
    const Options options_;
    std::string learned_;
};

// The word in the file (at most 8 KiB), without the space around it. Errors name the file, never what is in it.
Result<std::string> read_token(const std::string& file);

}  // namespace steelyard::config
