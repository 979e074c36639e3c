#pragma once
// One YAML document as JSON, by YAML 1.2's core schema. For configuration: small files, read strictly. A key given twice, a key that
// is no text, more than 20,000 values (aliases unfolded) or nesting beyond 50 levels is an error that names its line.
#include <string_view>
#include <vector>

#include "common/result.hpp"
#include "controller/inject/json.hpp"

namespace steelyard::inject {

Result<std::vector<Json>> read_yaml(std::string_view text);

}  // namespace steelyard::inject
