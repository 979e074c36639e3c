// Answers of the proxy's own that have no content: where to go instead, and what it says as a message's last recipient.
#include "sidecar/http/head_writer.hpp"
#include "sidecar/http/rewrite.hpp"

namespace steelyard::http {
namespace {

// The authority's host: an IPv6 literal keeps its brackets.
std::string_view host_of(std::string_view authority) {
    const size_t end = authority.front() == '[' ? authority.find(']') : authority.find(':');
    if (end == std::string_view::npos) return authority;
    return authority.substr(0, authority.front() == '[' ? end + 1 : end);
}

// Visible ASCII that RFC 3986 has no place for (section 2) is percent-encoded: a browser may read "\" as "/", an HTML page "<" as itself.
void put_reference(std::string_view path, Writer& writer) {
    constexpr std::string_view kForeign = "\"<>\\^`{|}";
    constexpr std::string_view kDigits = "0123456789ABCDEF";
    while (!path.empty()) {
        const size_t at = path.find_first_of(kForeign);
        writer.put(path.substr(0, at));
        if (at == std::string_view::npos) return;
        const auto c = static_cast<unsigned char>(path[at]);
        const char encoded[] = {'%', kDigits[c >> 4U], kDigits[c & 15U]};
        writer.put(std::string_view(encoded, sizeof encoded));
        path.remove_prefix(at + 1);
    }
}

void put_location(const config::Redirect& to, const RequestHead& head, std::string_view scheme, Writer& writer) {
    writer.put(to.scheme.empty() ? scheme : std::string_view(to.scheme));
    writer.put("://");
    if (!to.host.empty()) {
        writer.put(to.host);
    } else {
        // Without a word on the scheme the request's own port stays.
        writer.put(to.port != 0 || !to.scheme.empty() ? host_of(head.authority) : head.authority);
    }
    if (to.port != 0) {
        writer.put(":");
        writer.put_number(to.port);
    }
    put_reference(head.path == "*" ? std::string_view("/") : head.path, writer);
}

void start(const LocalAnswer& answer, Writer& writer) {
    writer.put("HTTP/1.1 ");
    writer.put_number(answer.status);
    writer.put(" ");
    writer.put(reason_phrase(answer.status));
    writer.put("\r\nContent-Length: 0\r\n");
}

size_t finish(const LocalAnswer& answer, Writer& writer) {
    if (answer.close) {
        writer.put("Connection: close\r\n");
    } else if (answer.client_minor_version == 0) {
        writer.put("Connection: keep-alive\r\n");
    }
    if (answer.edits != nullptr) writer.put(answer.edits->lines());
    writer.put("\r\n");
    return writer.size();
}

}  // namespace

size_t write_empty(const LocalAnswer& answer, std::span<char> out) {
    Writer writer(out);
    start(answer, writer);
    return finish(answer, writer);
}

size_t write_redirect(const config::Redirect& to, const RequestHead& head, std::string_view scheme,
                      const LocalAnswer& answer, std::span<char> out) {
    Writer writer(out);
    start(answer, writer);
    writer.put("Location: ");
    put_location(to, head, scheme, writer);
    writer.put("\r\n");
    return finish(answer, writer);
}

}  // namespace steelyard::http
