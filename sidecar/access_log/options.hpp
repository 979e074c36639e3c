#pragma once
// The flags of the access log, checked.
#include <optional>
#include <string>
#include <string_view>

#include "common/clock.hpp"
#include "common/result.hpp"
#include "sidecar/access_log/format.hpp"

namespace steelyard::access_log {

enum class Target : uint8_t { standard_output, standard_error, file };

struct Options {
    Target target = Target::standard_output;
    std::string path;  // for a file
    Format format = Format::json();
    double sample = 1;                    // the share of what succeeded that is logged
    size_t ring_bytes = size_t{1} << 20;  // of each worker; a power of two, at least 2 * kMaxLine
    Milliseconds flush_timeout{1'000};    // how long stop() waits for a slow reader
};

// The values of --access-log, --access-log-format and --access-log-sample; all of them are checked, also when the first is
// "off", which gives nullopt. The error names the flag.
Result<std::optional<Options>> parse_options(const std::string& target, std::string_view format,
                                             std::string_view sample);

}  // namespace steelyard::access_log
