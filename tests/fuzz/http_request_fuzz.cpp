// Request heads. What must hold: a head in pieces gets the verdict of the whole; an accepted head, rewritten, is
// accepted again with the same method, path and framing, has no hop-by-hop field, and rewriting it once more changes
// nothing but the forwarding fields; an output too small by one byte gives 0.
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

ParseResult feed(std::string_view text, size_t step, RequestHead& head) {
    uint32_t scanned = 0;
    for (size_t size = step;; size += step) {
        const std::string_view piece = text.substr(0, size);
        const ParseResult result = parse_request(piece, scanned, {}, head);
        if (result.state != ParseState::incomplete || size >= text.size()) return result;
    }
}

void check_pieces(std::string_view text, const ParseResult& whole, size_t step) {
    const auto head = std::make_unique<RequestHead>();
    // A fault may be told as late as the empty line: give it one.
    std::string ended(text);
    if (whole.state == ParseState::refused) ended += "\r\n\r\n\r\n";
    const ParseResult result = feed(ended, step, *head);
    require(result.state == whole.state);
    require(result.fault == whole.fault);
    require(result.head_bytes == whole.head_bytes);
}

const Rules& rules() {
    static const auto made = [] {
        using Kind = steelyard::config::HeaderEdit::Kind;
        steelyard::config::HttpPolicy policy;
        policy.host = "web.internal:81";
        policy.path = {"/a", "/other/"};
        policy.request_headers = {{Kind::set, "X-Set", "1"}, {Kind::add, "Via", "1.1 f"}, {Kind::remove, "Cookie", ""}};
        return make_rules(policy);
    }();
    return *made;
}

// The same under a policy: still one whole request, with the policy's Host, path and fields.
void check_edited(const RequestHead& head) {
    std::vector<char> out(64 * 1024);
    const ForwardedFor from{.client_address = "192.0.2.1"};
    const size_t size = write_request_head(head, from, "default.test", out, &rules());
    require(size > 0);
    require(write_request_head(head, from, "default.test", {out.data(), size - 1}, &rules()) == 0);
    require(write_request_head(head, from, "default.test", out, &rules()) == size);

    const auto again = std::make_unique<RequestHead>();
    uint32_t scanned = 0;
    const Limits roomy{.max_head_bytes = 64 * 1024, .max_headers = kMaxHeaders};
    const ParseResult result = parse_request({out.data(), size}, scanned, roomy, *again);
    if (result.fault == Fault::too_many_headers) return;
    require(result.state == ParseState::complete && result.head_bytes == size);
    require(again->method == head.method && again->authority == "web.internal:81");
    require(again->framing == head.framing && again->content_length == head.content_length);
    const bool matches =
        head.path.starts_with("/a") && (head.path.size() == 2 || head.path[2] == '/' || head.path[2] == '?');
    require(matches ? again->path == "/other" + std::string(head.path.substr(2)) : again->path == head.path);
    size_t set = 0;
    for (const Header& field : again->headers) {
        require(field.name != "Cookie" && field.name != "cookie");
        if (field.name == "X-Set") require(field.value == "1" && ++set == 1);
    }
    require(set == 1);
    if (head.max_forwards && *head.max_forwards != 0) require(again->max_forwards == *head.max_forwards - 1);
}

void check_redirected(const RequestHead& head) {
    std::vector<char> out(128 * 1024);
    const steelyard::config::Redirect to{"https", head.authority.empty() ? "shop.test" : "", 0, 308};
    const size_t size = write_redirect(to, head, "http", {.status = 308}, out);
    require(size > 0);
    const auto answer = std::make_unique<ResponseHead>();
    uint32_t scanned = 0;
    const ParseResult result =
        parse_response({out.data(), size}, scanned, {.max_head_bytes = 128 * 1024}, head.method, *answer);
    require(result.state == ParseState::complete && result.head_bytes == size && answer->headers.size() == 2);
    const std::string_view location = answer->headers[1].value;
    require(location.starts_with("https://") && location.find_first_of("\"<>\\^`{|} ") == std::string_view::npos);
}

void check_rewritten(const RequestHead& head) {
    std::vector<char> out(64 * 1024);
    // Half of the inputs come from a trusted peer.
    const ForwardedFor from{.client_address = "192.0.2.1",
                            .trusted = head.target.size() % 2 == 0,
                            .real_ip = "192.0.2.2",
                            .forwarded = true,
                            .request_id = "abc",
                            .traceparent = "00-1-2-01"};
    const size_t size = write_request_head(head, from, "default.test", out);
    require(size > 0);
    const auto exact = std::make_unique<char[]>(size);
    require(write_request_head(head, from, "default.test", {exact.get(), size}) == size);
    require(write_request_head(head, from, "default.test", {exact.get(), size - 1}) == 0);

    const auto again = std::make_unique<RequestHead>();
    uint32_t scanned = 0;
    const Limits roomy{.max_head_bytes = 64 * 1024, .max_headers = kMaxHeaders};
    const ParseResult result = parse_request({out.data(), size}, scanned, roomy, *again);
    require(result.state == ParseState::complete && result.head_bytes == size);
    require(again->method == head.method && again->method_text == head.method_text);
    require(again->path == head.path && again->minor_version == 1 && again->keep_alive);
    require(again->framing == head.framing && again->content_length == head.content_length);
    require(again->upgrade == head.upgrade && again->expect_continue == head.expect_continue);
    require(again->authority == (head.authority.empty() ? "default.test" : head.authority));
    require(again->headers[0].id == HeaderId::host);
    for (const Header& field : again->headers) {
        switch (field.id) {
            case HeaderId::keep_alive:
            case HeaderId::proxy_connection:
            case HeaderId::proxy_authenticate:
            case HeaderId::proxy_authorization:
                std::abort();
            case HeaderId::connection:
                require(field.value == "upgrade" || field.value == "TE" || field.value == "upgrade, TE");
                break;
            case HeaderId::te:
                require(field.value == "trailers");
                break;
            case HeaderId::upgrade:
                require(head.upgrade);
                break;
            default:
                break;
        }
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const size_t step = data[0] % 64U + 1;
    // A copy of just its size: reads outside are seen.
    const auto text = std::make_unique<char[]>(size - 1);
    if (size > 1) std::memcpy(text.get(), data + 1, size - 1);
    const std::string_view input(text.get(), size - 1);

    const auto head = std::make_unique<RequestHead>();
    uint32_t scanned = 0;
    const ParseResult whole = parse_request(input, scanned, {}, *head);
    if (input.size() < 8192) check_pieces(input, whole, step);
    if (whole.state == ParseState::complete) {
        require(whole.head_bytes <= input.size());
        check_rewritten(*head);
        check_edited(*head);
        check_redirected(*head);
    }
    return 0;
}
