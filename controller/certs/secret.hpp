#pragma once
// The Secret that holds the certificates: data ca.crt, ca.key, tls.crt, tls.key, and while CAs change next-ca.crt,
// next-ca.key, previous-ca.crt. Pure. An object without them (made empty by the chart) is "nothing was ever made".
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "controller/certs/rotation.hpp"

namespace steelyard::certs {

Material material_of(const nlohmann::json& secret);
// Everything else of the object stays as it is.
void put(nlohmann::json& secret, const Material& material);

std::string base64(std::string_view bytes);

}  // namespace steelyard::certs
