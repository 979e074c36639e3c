#pragma once
// What a client makes of a compressed body, by the codings' own libraries.
#include <optional>
#include <string>
#include <string_view>

#include "common/config/policy.hpp"

namespace steelyard::test {

// What can be read of the stream so far; `whole`: it ends here, neither sooner nor later. nullopt when it is broken, or
// not as whole as it should be.
std::optional<std::string> decode(config::Coding coding, std::string_view bytes, bool whole = true);

}  // namespace steelyard::test
