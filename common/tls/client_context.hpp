#pragma once
// What a TLS client trusts: only the CA certificates it is given, never the system's. TLS 1.2 and newer.
#include <memory>
#include <string>
#include <vector>

#include "common/result.hpp"

typedef struct ssl_st SSL;

namespace boost::asio::ssl {
class context;
}

namespace steelyard::tls {

struct TrustedBundle {
    std::string pem;
    std::string where;  // names the file, flag or message in errors
};

// Trusts the CA certificates of all bundles together; each must hold at least one, and nothing but CAs.
Result<std::shared_ptr<boost::asio::ssl::context>> make_client_context(const std::vector<TrustedBundle>& bundles);

// Every certificate a CA, PEM within its limits? What is worth keeping as a bundle.
Result<void> check_bundle(const TrustedBundle& bundle);

// Before the hand-shake: the server must prove to be `host` (DNS name or IP literal); sends the name along (SNI).
Result<void> expect_host(SSL* connection, const std::string& host);

// After a hand-shake that failed: why the server's certificate was not accepted; "" when that was not the reason.
std::string verify_problem(const SSL* connection);

}  // namespace steelyard::tls
