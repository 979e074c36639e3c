#include "common/cli/duration.hpp"

#include <array>
#include <charconv>
#include <utility>

namespace steelyard::cli {

std::optional<Milliseconds> parse_duration(std::string_view text, Milliseconds limit) {
    static constexpr std::array<std::pair<std::string_view, int64_t>, 4> kUnits{
        {{"ms", 1}, {"s", 1000}, {"m", 60'000}, {"h", 3'600'000}}};
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || number < 0) return std::nullopt;
    const std::string_view unit(end, static_cast<size_t>(text.data() + text.size() - end));
    for (const auto& [name, factor] : kUnits) {
        if (unit == name && number <= limit.count() / factor) return Milliseconds{number * factor};
    }
    return std::nullopt;
}

}  // namespace steelyard::cli
