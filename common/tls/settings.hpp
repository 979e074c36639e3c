#pragma once
// What both ends of our TLS connections are set up with. Private to common/tls/*.cpp.
#include <openssl/ssl.h>

#include "common/result.hpp"
#include "common/tls/openssl.hpp"

namespace steelyard::tls {

inline Result<void> apply_settings(SSL_CTX* context) {
    // Of TLS 1.2 only what is forward-secret and authenticated; TLS 1.3 has nothing else.
    static constexpr const char* kCiphers = "ECDHE+AESGCM:ECDHE+CHACHA20";
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_cipher_list(context, kCiphers) != 1) {
        return Error{"TLS", "cannot be set up: " + openssl::last_error()};
    }
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_mode(context,
                     SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    return {};
}

}  // namespace steelyard::tls
