#include "sidecar/http/head_writer.hpp"
#include "sidecar/http/rewrite.hpp"

namespace steelyard::http {
namespace {

bool accepts_trailers(const HeaderList& headers) {
    if (!headers.has(HeaderId::te)) return false;
    for (const Header& field : headers) {
        if (field.id != HeaderId::te) continue;
        for (std::string_view codings = field.value; !codings.empty();) {
            if (scan::equals_folded(scan::next_element(codings), "trailers")) return true;
        }
    }
    return false;
}

void write_connection(const RequestHead& head, Writer& writer) {
    const bool trailers = accepts_trailers(head.headers);
    if (trailers) writer.put("TE: trailers\r\n");
    if (trailers && head.upgrade) {
        writer.put("Connection: upgrade, TE\r\n");
    } else if (head.upgrade) {
        writer.put("Connection: upgrade\r\n");
    } else if (trailers) {
        writer.put("Connection: TE\r\n");
    }
}

void write_forwarded(const RequestHead& head, const ForwardedFor& forwarded, Writer& writer) {
    writer.put("X-Forwarded-For: ");
    if (head.headers.has(HeaderId::x_forwarded_for)) {
        for (const Header& field : head.headers) {
            if (field.id != HeaderId::x_forwarded_for || field.value.empty()) continue;
            writer.put(field.value);
            writer.put(", ");
        }
    }
    writer.put(forwarded.client_address);
    writer.put("\r\n");
    if (!head.headers.has(HeaderId::x_forwarded_proto)) {
        writer.put("X-Forwarded-Proto: ");
        writer.put(forwarded.proto);
        writer.put("\r\n");
    }
    if (!head.headers.has(HeaderId::x_forwarded_host) && !head.authority.empty()) {
        writer.put("X-Forwarded-Host: ");
        writer.put(head.authority);
        writer.put("\r\n");
    }
}

}  // namespace

size_t write_request_head(const RequestHead& head, const ForwardedFor& forwarded, std::string_view default_host,
                          std::span<char> out) {
    Writer writer(out);
    writer.put(head.method_text);
    writer.put(" ");
    writer.put(head.path);
    writer.put(" HTTP/1.1\r\nHost: ");
    writer.put(head.authority.empty() ? default_host : head.authority);
    writer.put("\r\n");

    uint32_t dropped = kHopByHop | bit(HeaderId::host) | bit(HeaderId::x_forwarded_for) | bit(HeaderId::lookalike);
    if (!head.upgrade) dropped |= bit(HeaderId::upgrade);
    if (head.minor_version == 0) dropped |= bit(HeaderId::expect);
    const FieldFilter filter(head.headers, dropped);
    FieldCopier copier(writer);
    for (const Header& field : head.headers) {
        if (filter.keeps(field)) copier.add(field);
    }
    copier.flush();

    if (head.framing == Framing::chunked) writer.put("Transfer-Encoding: chunked\r\n");
    write_connection(head, writer);
    write_forwarded(head, forwarded, writer);
    writer.put("\r\n");
    return writer.size();
}

}  // namespace steelyard::http
