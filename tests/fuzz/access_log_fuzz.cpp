// The access log's format strings and what is escaped into a line. What must hold: a line is printable ASCII that ends in its
// only newline and is never longer than it may be; within a field there is no bare quote; a value that was not cut can be read
// back; the JSON line has a fixed number of quotes, whatever a client sent.
#include <algorithm>
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sidecar/access_log/format.hpp"

namespace {

using namespace steelyard::access_log;

void require(bool holds) {
    if (!holds) std::abort();
}

std::string line_of(const Format& format, const Record& record, bool ascii_format) {
    TimeCache cache;
    std::string out(kMaxLine, '~');
    const size_t size = format.render(record, cache, out.data());
    require(size >= 1 && size <= kMaxLine && out[size - 1] == '\n');
    out.resize(size - 1);
    for (const char c : out) require((c >= 0x20 && c < 0x7f) || (!ascii_format && c < 0));
    return out;
}

unsigned digit(char c) { return static_cast<unsigned>(c <= '9' ? c - '0' : c - 'a' + 10); }

std::string unescaped(std::string_view text, Style style) {
    const size_t digits_at = style == Style::json ? 4 : 2;
    std::string out;
    while (!text.empty()) {
        size_t size = 1;
        char c = text[0];
        if (c == '\\') {
            require(text.size() >= 2);
            if (style == Style::json && text[1] != 'u') {
                c = text[1];
                size = 2;
            } else {
                size = digits_at + 2;
                require(text.size() >= size);
                c = static_cast<char>(digit(text[digits_at]) << 4U | digit(text[digits_at + 1]));
            }
        }
        out += c;
        text.remove_prefix(size);
    }
    return out;
}

size_t bare_quotes(std::string_view text) {
    size_t count = 0;
    for (size_t i = 0; i < text.size(); ++i) {
        if (text[i] == '\\') {
            ++i;
        } else if (text[i] == '"') {
            ++count;
        }
    }
    return count;
}

void check_escape(std::string_view text, Style style, size_t limit) {
    std::string out(limit, '~');
    out.resize(static_cast<size_t>(append_escaped(out.data(), text, limit, style) - out.data()));
    require(bare_quotes(out) == 0);
    const std::string back = unescaped(out, style);
    if (back == text) return;
    require(back.ends_with(kCutMark));
    const std::string_view front = std::string_view(back).substr(0, back.size() - kCutMark.size());
    require(text.starts_with(front) && front.size() < text.size());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const size_t limit = 3 + (size == 0 ? 0 : data[0] % 64U);
    for (const auto style : {Style::json, Style::text}) {
        check_escape(input, style, limit);
        check_escape(input, style, 4096);
    }
    const size_t end = std::min(input.find('\n'), input.size());
    const std::string_view format_text = input.substr(0, end);
    const std::string_view value = input.substr(std::min(end + 1, input.size()));
    Record record;
    record.client = record.listener = record.upstream = record.endpoint = record.method = record.path = value;
    record.host = record.protocol = record.failure = record.user_agent = record.referer = record.request_id =
        record.real_ip = value;
    // Thirteen texts and the time, each with its name; the numbers have a name alone.
    const size_t fields = static_cast<size_t>(Field::kCount);
    const std::string json = line_of(Format::json(), record, true);
    require(bare_quotes(json) == 2 * fields + (value.empty() ? 2 : 28));
    const auto format = Format::parse(format_text);
    if (!format) {
        require(!format.error().problem.empty());
        return 0;
    }
    const bool ascii = std::none_of(format_text.begin(), format_text.end(), [](char c) { return c < 0; });
    line_of(*format, record, ascii);
    return 0;
}
