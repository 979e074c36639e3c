// Response heads, with the method and the form of rewriting taken from the first two bytes. What must hold: a head in
// pieces gets the verdict of the whole; an accepted head, rewritten, is accepted again with the same status and
// framing.
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/http/parser.hpp"
#include "sidecar/http/rewrite.hpp"

namespace {

using namespace steelyard::http;

void require(bool holds) {
    if (!holds) std::abort();
}

ParseResult feed(std::string_view text, size_t step, Method method, ResponseHead& head) {
    uint32_t scanned = 0;
    for (size_t size = step;; size += step) {
        const ParseResult result = parse_response(text.substr(0, size), scanned, {}, method, head);
        if (result.state != ParseState::incomplete || size >= text.size()) return result;
    }
}

void check_pieces(std::string_view text, const ParseResult& whole, size_t step, Method method) {
    const auto head = std::make_unique<ResponseHead>();
    // A fault may be told as late as the empty line: give it one.
    std::string ended(text);
    if (whole.state == ParseState::refused) ended += "\r\n\r\n";
    const ParseResult result = feed(ended, step, method, *head);
    require(result.state == whole.state && result.fault == whole.fault && result.head_bytes == whole.head_bytes);
}

const Edits& edits() {
    static const Edits made = [] {
        Edits e;
        e.set("Strict-Transport-Security", "max-age=1");
        e.add("X-Added", "1");
        e.remove("Server");
        return e;
    }();
    return made;
}

// With a policy's edits: still one whole head, with the same framing.
void check_edited(const ResponseHead& head, ResponseRewrite rewrite, Method method) {
    if (head.informational()) return;
    rewrite.edits = &edits();
    std::vector<char> out(64 * 1024);
    const size_t size = write_response_head(head, rewrite, out);
    require(size > 0);
    require(write_response_head(head, rewrite, {out.data(), size - 1}) == 0);
    const auto again = std::make_unique<ResponseHead>();
    uint32_t scanned = 0;
    const Limits roomy{.max_head_bytes = 64 * 1024, .max_headers = kMaxHeaders};
    require(write_response_head(head, rewrite, out) == size);
    const ParseResult result = parse_response({out.data(), size}, scanned, roomy, method, *again);
    if (result.fault == Fault::too_many_headers) return;
    require(result.state == ParseState::complete && result.head_bytes == size);
    require(again->status == head.status && again->content_length == head.content_length);
    size_t set = 0;
    for (const Header& field : again->headers) {
        if (field.name == "Strict-Transport-Security") require(field.value == "max-age=1" && ++set == 1);
        require(field.name != "Server");
    }
    require(set == 1);
}

void check_rewritten(const ResponseHead& head, const ResponseRewrite& rewrite, Method method) {
    std::vector<char> out(64 * 1024);
    const size_t size = write_response_head(head, rewrite, out);
    require(size > 0);
    require(write_response_head(head, rewrite, {out.data(), size - 1}) == 0);
    require(write_response_head(head, rewrite, out) == size);

    const auto again = std::make_unique<ResponseHead>();
    uint32_t scanned = 0;
    const Limits roomy{.max_head_bytes = 64 * 1024, .max_headers = kMaxHeaders};
    const ParseResult result = parse_response({out.data(), size}, scanned, roomy, method, *again);
    require(result.state == ParseState::complete && result.head_bytes == size);
    require(again->status == head.status && again->reason == head.reason && again->minor_version == 1);
    const bool bare = rewrite.strip_chunked && head.framing == Framing::chunked;
    require(again->framing == (bare ? Framing::until_close : head.framing));
    require(again->content_length == head.content_length);
    if (rewrite.close && head.status >= 200 && !rewrite.upgraded) require(!again->keep_alive);
    for (const Header& field : again->headers) {
        require(field.id != HeaderId::keep_alive && field.id != HeaderId::proxy_connection && field.id != HeaderId::te);
        if (field.id == HeaderId::upgrade) require(rewrite.upgraded);
        if (field.id == HeaderId::transfer_encoding)
            require(field.value == "chunked" && head.framing == Framing::chunked);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size < 2) return 0;
    const size_t step = data[0] % 64U + 1;
    const Method method = (data[1] & 1U) != 0 ? Method::head : Method::get;
    ResponseRewrite rewrite;
    rewrite.close = (data[1] & 2U) != 0;
    rewrite.client_minor_version = (data[1] & 4U) != 0 ? 0 : 1;
    rewrite.strip_chunked = (data[1] & 8U) != 0;
    rewrite.upgraded = (data[1] & 16U) != 0;

    const auto text = std::make_unique<char[]>(size - 2);
    if (size > 2) std::memcpy(text.get(), data + 2, size - 2);
    const std::string_view input(text.get(), size - 2);
    const auto head = std::make_unique<ResponseHead>();
    uint32_t scanned = 0;
    const ParseResult whole = parse_response(input, scanned, {}, method, *head);
    if (input.size() < 8192) check_pieces(input, whole, step, method);
    if (whole.state == ParseState::complete) check_rewritten(*head, rewrite, method);
    if (whole.state == ParseState::complete) check_edited(*head, rewrite, method);
    return 0;
}
