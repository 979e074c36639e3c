#include "sidecar/compress/accept_encoding.hpp"

#include <algorithm>

#include "sidecar/http/field_list.hpp"

namespace steelyard::compress {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_token(std::string_view text) {
    constexpr std::string_view kMarks = "!#$%&'*+-.^_`|~";
    return !text.empty() && std::all_of(text.begin(), text.end(), [&](char c) {
        return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               kMarks.find(c) != std::string_view::npos;
    });
}

// qvalue: "0" or "1" with at most three decimals, of 1 only zeros.
std::optional<uint16_t> parse_weight(std::string_view text) {
    if (text.empty() || text.size() > 5 || (text[0] != '0' && text[0] != '1')) return std::nullopt;
    if (text.size() > 1 && text[1] != '.') return std::nullopt;
    unsigned weight = text[0] == '1' ? 1000 : 0;
    unsigned place = 100;
    for (size_t i = 2; i < text.size(); ++i, place /= 10) {
        if (!is_digit(text[i])) return std::nullopt;
        weight += static_cast<unsigned>(text[i] - '0') * place;
    }
    if (weight > 1000) return std::nullopt;
    return static_cast<uint16_t>(weight);
}

std::optional<Coding> parse_token(std::string_view token) {
    using http::equals_ignoring_case;
    if (equals_ignoring_case(token, "gzip") || equals_ignoring_case(token, "x-gzip")) return Coding::gzip;
    if (equals_ignoring_case(token, "br")) return Coding::brotli;
    if (equals_ignoring_case(token, "zstd")) return Coding::zstd;
    return std::nullopt;
}

}  // namespace

std::string_view token_of(Coding coding) {
    switch (coding) {
        case Coding::gzip:
            return "gzip";
        case Coding::brotli:
            return "br";
        case Coding::zstd:
            return "zstd";
    }
    return "";
}

void AcceptEncoding::add(std::string_view value) {
    while (!value.empty() && !malformed_) {
        const size_t comma = value.find(',');
        const std::string_view element = http::trim_blanks(value.substr(0, comma));
        value.remove_prefix(comma == std::string_view::npos ? value.size() : comma + 1);
        if (!element.empty()) add_element(element);  // a list may have empty elements (section 5.6.1)
    }
}

void AcceptEncoding::add_element(std::string_view element) {
    const size_t semicolon = element.find(';');
    const std::string_view token = http::trim_blanks(element.substr(0, semicolon));
    uint16_t weight = 1000;
    bool good = is_token(token) && ++elements_ <= kMaxElements;
    if (semicolon != std::string_view::npos) {
        const std::string_view parameter = http::trim_blanks(element.substr(semicolon + 1));
        const auto parsed = parameter.starts_with("q=") || parameter.starts_with("Q=")
                                ? parse_weight(parameter.substr(2))
                                : std::nullopt;
        good = good && parsed.has_value();
        weight = parsed.value_or(0);
    }
    if (!good) {
        malformed_ = true;
        return;
    }
    uint16_t* place = nullptr;
    if (const auto coding = parse_token(token)) {
        place = &weights_[static_cast<size_t>(*coding)];
    } else if (token == "*") {
        place = &any_;
    } else if (http::equals_ignoring_case(token, "identity")) {
        place = &identity_;
    } else {
        return;
    }
    // Said twice in two ways: the lower one, which does nobody harm.
    *place = *place == kUnsaid ? weight : std::min(*place, weight);
}

std::optional<Coding> AcceptEncoding::choose(std::span<const Coding> offered) const {
    if (malformed_) return std::nullopt;
    std::optional<Coding> best;
    // What is said of identity, if only by "*", must not be more than of the coding; unsaid, it comes last.
    const unsigned identity = identity_ != kUnsaid ? identity_ : any_ != kUnsaid ? any_ : 0U;
    unsigned least = std::max(identity, 1U);
    bool strictly = false;  // once a coding is found, only a greater weight takes its place
    for (const Coding coding : offered) {
        const uint16_t said = weights_[static_cast<size_t>(coding)];
        const unsigned weight = said != kUnsaid ? said : any_ != kUnsaid ? any_ : 0U;
        if (strictly ? weight <= least : weight < least) continue;
        best = coding;
        least = weight;
        strictly = true;
    }
    return best;
}

}  // namespace steelyard::compress
