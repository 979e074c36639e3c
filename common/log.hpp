#pragma once
// Logging for both programs: spdlog's default logger on standard error, as text or as one JSON object a line. Call
// log::info("pushed {} to {}", version, proxy) from any thread; the data path logs nothing per request.
#include <spdlog/spdlog.h>

#include <string>
#include <string_view>

#include "common/result.hpp"

namespace steelyard::log {

using spdlog::debug;
using spdlog::error;
using spdlog::info;
using spdlog::warn;

// level: trace, debug, info, warn, error. format: text, json. Call once, before any thread starts.
Result<void> init(std::string_view level, std::string_view format);

// Text safe to put inside a JSON string: quotes, backslashes and control characters escaped.
std::string json_escape(std::string_view text);

}  // namespace steelyard::log
