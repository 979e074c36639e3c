#pragma once
// The directory of --push-tls files: tls.crt, tls.key, ca.crt, as cert-manager's volumes have them. Blocks.
#include <string>

#include "common/result.hpp"
#include "common/tls/pki.hpp"

namespace steelyard::certs {

struct Files {
    tls::KeyPair server;
    std::string ca;  // the bundle to trust

    friend bool operator==(const Files&, const Files&) = default;
};

// All three, each at most tls::kMaxPemBytes. Errors name the file.
Result<Files> read_files(const std::string& directory);

}  // namespace steelyard::certs
