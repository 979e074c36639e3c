#include "sidecar/http/content_change.hpp"
#include "sidecar/http/head_writer.hpp"
#include "sidecar/http/rewrite.hpp"

namespace steelyard::http {
namespace {

void write_connection(const ResponseHead& head, const ResponseRewrite& rewrite, Writer& writer) {
    if (rewrite.upgraded) {
        writer.put("Connection: upgrade\r\n");
    } else if (head.status < 200) {
        return;  // the final response says how the connection goes on
    } else if (rewrite.close || rewrite.strip_chunked || head.framing == Framing::until_close) {
        writer.put("Connection: close\r\n");
    } else if (rewrite.client_minor_version == 0) {
        writer.put("Connection: keep-alive\r\n");
    }
}

}  // namespace

size_t write_response_head(const ResponseHead& head, const ResponseRewrite& rewrite, std::span<char> out) {
    Writer writer(out);
    writer.put("HTTP/1.1 ");
    writer.put_number(head.status);
    writer.put(" ");
    writer.put(head.reason);
    writer.put("\r\n");

    uint32_t dropped = kHopByHop;
    if (!rewrite.upgraded) dropped |= bit(HeaderId::upgrade);
    if (head.status < 200 || head.status == 204) dropped |= bit(HeaderId::content_length);  // RFC 9110 section 8.6
    if (rewrite.strip_chunked) dropped |= bit(HeaderId::trailer);
    const FieldFilter filter(head.headers, dropped);
    FieldCopier copier(writer);
    const ContentChange* const content = rewrite.content;
    const Edits* const edits = head.informational() ? nullptr : rewrite.edits;
    for (const Header& field : head.headers) {
        if (!filter.keeps(field) || (edits != nullptr && edits->takes(field.name))) continue;
        if (content == nullptr || !content->takes(field)) copier.add(field);
    }
    copier.flush();

    if (content != nullptr) content->write(head.headers, writer);
    const bool recoded = content != nullptr && !content->coding.empty() && head.framing != Framing::none;
    if ((head.framing == Framing::chunked || recoded) && !rewrite.strip_chunked)
        writer.put("Transfer-Encoding: chunked\r\n");
    write_connection(head, rewrite, writer);
    if (edits != nullptr) writer.put(edits->lines());
    writer.put("\r\n");
    return writer.size();
}

}  // namespace steelyard::http
