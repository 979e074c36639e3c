#include "sidecar/vip/http_answer.hpp"

#include <algorithm>
#include <charconv>

namespace steelyard::vip {
namespace {

bool same(std::string_view a, std::string_view b) {
    return std::equal(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; };
        return lower(x) == lower(y);
    });
}

std::string_view trimmed(std::string_view text) {
    while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
    while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
    return text;
}

bool to_number(std::string_view text, size_t& out) {
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), out);
    return !text.empty() && error == std::errc{} && end == text.data() + text.size();
}

// The length of the body, when it is said in a way that lets the connection be kept.
std::optional<size_t> kept_length(std::string_view fields) {
    std::optional<size_t> length;
    while (!fields.empty()) {
        const size_t end = fields.find("\r\n");
        const std::string_view line = fields.substr(0, end);
        fields.remove_prefix(end == std::string_view::npos ? fields.size() : end + 2);
        const size_t colon = line.find(':');
        if (colon == std::string_view::npos) return std::nullopt;
        const std::string_view name = line.substr(0, colon);
        const std::string_view value = trimmed(line.substr(colon + 1));
        if (same(name, "transfer-encoding")) return std::nullopt;
        if (same(name, "connection") && same(value, "close")) return std::nullopt;
        if (!same(name, "content-length")) continue;
        size_t number = 0;
        if (!to_number(value, number) || number > kMaxAnswerBody || (length && *length != number)) return std::nullopt;
        length = number;
    }
    return length;
}

}  // namespace

Reading read_answer(std::string_view text, HttpAnswer& answer) {
    const size_t head = text.find("\r\n\r\n");
    if (head == std::string_view::npos) return text.size() > kMaxAnswerHead ? Reading::broken : Reading::more;
    const std::string_view line = text.substr(0, text.find("\r\n"));
    size_t status = 0;
    if (line.size() < 12 || !line.starts_with("HTTP/1.") || line[8] != ' ' || !to_number(line.substr(9, 3), status) ||
        status < 200 || status > 599) {
        return Reading::broken;
    }
    answer.status = static_cast<unsigned>(status);
    answer.size = head + 4;
    const size_t fields = std::min(line.size() + 2, head);
    const auto length = kept_length(text.substr(fields, head - fields));
    answer.keeps = length.has_value() && line[7] == '1';
    if (!answer.keeps) return Reading::done;
    answer.size += *length;
    return text.size() < answer.size ? Reading::more : Reading::done;
}

}  // namespace steelyard::vip
