#pragma once
// The certificate that a TLS server shows, replaceable while it runs: connections accepted after set() use the new one,
// those that are open keep theirs. Thread-safe. TLS 1.2 and newer, forward-secret AEAD ciphers, no renegotiation, no
// session tickets; idle connections give their buffers back.
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>

#include "common/result.hpp"

namespace boost::asio::ssl {
class context;
}

namespace steelyard::tls {

class ServerIdentity {
public:
    // Certificate (a chain, the server's first) and its private key, both PEM. What cannot be used leaves the last good
    // one in force; the error says why and never holds key text.
    Result<void> set(const std::string& certificate_pem, const std::string& key_pem);

    // nullptr before the first set(). Hold the pointer as long as the connection lives.
    std::shared_ptr<boost::asio::ssl::context> current() const;

    // When the certificate in force ends, UTC seconds since 1970; 0 without one.
    int64_t expires() const;

private:
    mutable std::mutex mutex_;
    std::shared_ptr<boost::asio::ssl::context> context_;
    int64_t expires_ = 0;
};

}  // namespace steelyard::tls
