#pragma once
// Base64 with the standard alphabet (RFC 4648, section 4), as kubeconfig's "-data" fields have it. White space between
// the characters is skipped; padding may be missing. nullopt for anything else.
#include <optional>
#include <string>
#include <string_view>

namespace steelyard::kube {

std::optional<std::string> base64_decode(std::string_view text);

}  // namespace steelyard::kube
