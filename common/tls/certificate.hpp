#pragma once
// What is in a certificate, read from PEM. Strict in size: at most 64 KiB of text and 16 certificates, and nothing is
// ever fetched. Times are UTC seconds since 1970. Thread-safe: no state. Source: RFC 5280, RFC 7468.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::tls {

constexpr size_t kMaxPemBytes = 64u << 10;
constexpr size_t kMaxBundle = 16;

struct CertificateInfo {
    std::string subject;             // the common name
    std::vector<std::string> names;  // DNS names and IP literals of the subjectAltName, sorted
    int64_t not_before = 0;
    int64_t not_after = 0;
    bool is_ca = false;
    std::string fingerprint;  // SHA-256 of the DER, lower-case hexadecimal
    std::string pem;          // this one alone
};

// The first certificate in the text. `where` names the file or field in errors.
Result<CertificateInfo> parse_certificate(std::string_view pem, const std::string& where);

// All of them, at least one; text between the blocks is skipped.
Result<std::vector<CertificateInfo>> parse_bundle(std::string_view pem, const std::string& where);

// The same without repetitions, one after another, each ending in a newline.
std::string join(const std::vector<std::string>& pems);

// Is the first certificate's signature the CA's, and does the CA's name fit? Time is not looked at.
bool is_signed_by(std::string_view certificate_pem, std::string_view ca_pem);

// Is this the private key of the first certificate?
bool is_key_of(std::string_view key_pem, std::string_view certificate_pem);

// SHA-256, lower-case hexadecimal.
std::string sha256(std::string_view data);

}  // namespace steelyard::tls
