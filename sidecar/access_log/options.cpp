#include "sidecar/access_log/options.hpp"

#include <charconv>
#include <utility>

namespace steelyard::access_log {
namespace {

std::optional<double> parse_share(std::string_view text) {
    double share = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), share, std::chars_format::fixed);
    if (error != std::errc{} || end != text.data() + text.size() || !(share >= 0 && share <= 1)) return std::nullopt;
    return share;
}

}  // namespace

Result<std::optional<Options>> parse_options(const std::string& target, std::string_view format,
                                             std::string_view sample) {
    Options options;
    if (format != "json") {
        auto parsed = Format::parse(format);
        if (!parsed) return Error{"--access-log-format", parsed.error().problem};
        options.format = std::move(*parsed);
    }
    const auto share = parse_share(sample);
    if (!share)
        return Error{"--access-log-sample", "'" + std::string(sample) + "' is not a share from 0 to 1, such as 0.01"};
    options.sample = *share;
    if (target == "off") return std::optional<Options>();
    if (target == "stdout") {
        options.target = Target::standard_output;
    } else if (target == "stderr") {
        options.target = Target::standard_error;
    } else if (target.find('/') != std::string::npos && target.back() != '/') {
        options.target = Target::file;
        options.path = target;
    } else {
        return Error{"--access-log",
                     "'" + target + "' is none of off, stdout, stderr, or a file's path with a '/' in it"};
    }
    return std::optional<Options>(std::move(options));
}

}  // namespace steelyard::access_log
