#pragma once
// When certificates are made, trusted, used and forgotten. Pure but for random keys: fed with what there is and the
// time (UTC seconds since 1970), it says what there should be; the same input twice changes nothing.
//
//   age of the CA:  0 ............ 2/3 ............ + overlap ............ + overlap
//                   signs          a next one is    the next one signs,    the old one
//                                  made and told    the old one is told    is forgotten
//                                                   still
//
// `overlap` is a tenth of the CA's life: so long everybody has to hear of a CA before it is used, and of the end of an
// old one. A server's certificate is renewed at 2/3 of its life, and when its CA or names change. Whatever cannot be
// used (garbage, expired, a foreign key) is made anew.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "common/tls/pki.hpp"

namespace steelyard::certs {

struct RotationSettings {
    std::vector<std::string> names;                // of the server
    int64_t ca_lifetime = 87600LL * 3600;          // seconds
    int64_t certificate_lifetime = 2160LL * 3600;  // seconds
    std::string ca_common_name = "steelyard push CA";
};

// What is kept, PEM. An empty certificate is none.
struct Material {
    tls::KeyPair ca;          // signs
    tls::KeyPair next_ca;     // will
    std::string previous_ca;  // did
    tls::KeyPair server;

    // All CAs to trust: the signing one first.
    std::string bundle() const;
    friend bool operator==(const Material&, const Material&) = default;
};

struct Advance {
    Material material;
    std::vector<std::string> done;  // what was changed, for the log; empty: nothing
    int64_t next_check = 0;         // when time alone will change something
};

// `have` may be empty (nothing was ever made).
Result<Advance> advance(const Material& have, const RotationSettings& settings, int64_t now);

// The key of the server's certificate, its signature and the CA fit together: what a follower needs to serve.
Result<void> check(const Material& material);

}  // namespace steelyard::certs
