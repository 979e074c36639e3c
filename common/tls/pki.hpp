#pragma once
// A small certificate authority: makes a CA and the server certificates that it signs. Keys are ECDSA P-256, serials
// 128 random bits, signatures SHA-256. Pure but for the random numbers: the caller brings the time (UTC seconds since
// 1970). Blocks for about 0.1 ms a key. Thread-safe: no state. Source: RFC 5280; what goes in which extension follows
// section 4.2.
#include <cstdint>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/tls/certificate.hpp"

namespace steelyard::tls {

struct KeyPair {
    std::string certificate_pem;
    std::string key_pem;  // PKCS #8; secret

    friend bool operator==(const KeyPair&, const KeyPair&) = default;
};

struct Validity {
    int64_t not_before = 0;
    int64_t not_after = 0;
};

// A root that may sign leaves only (path length 0).
Result<KeyPair> make_ca(const std::string& common_name, Validity validity);

// A server's certificate for these DNS names and IP literals (at least one). It does not outlive the CA.
Result<KeyPair> issue(const KeyPair& ca, const std::vector<std::string>& names, Validity validity);

// nullopt-like: "" when the text is a DNS name or an IP literal that a certificate can have, else what is wrong.
std::string name_problem(const std::string& name);

}  // namespace steelyard::tls
