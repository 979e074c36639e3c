#pragma once
// Runs nft with a ruleset on its standard input, without a shell.
#include <string>

#include "common/result.hpp"

namespace steelyard {

// All of it is in force then, or nothing has changed and the error says why. Blocks for as long as nft runs (milliseconds).
Result<void> run_nft(const std::string& program, const std::string& ruleset);

}  // namespace steelyard
