#include "sidecar/http/head_writer.hpp"
#include "sidecar/http/rewrite.hpp"
#include "sidecar/http/trace.hpp"

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

// The values of every field of this kind in one list, with ", " behind each.
void write_earlier(const HeaderList& headers, HeaderId id, Writer& writer) {
    if (!headers.has(id)) return;
    for (const Header& field : headers) {
        if (field.id != id || field.value.empty()) continue;
        writer.put(field.value);
        writer.put(", ");
    }
}

// RFC 7239 section 4. Host may hold a ":", which takes quotes; so does an address of IPv6, in brackets (section 6).
void write_forwarded_element(const RequestHead& head, const ForwardedFor& from, Writer& writer) {
    writer.put("Forwarded: ");
    if (from.trusted) write_earlier(head.headers, HeaderId::forwarded, writer);
    if (from.client_address.find(':') == std::string_view::npos) {
        writer.put("for=");
        writer.put(from.client_address);
    } else {
        writer.put("for=\"[");
        writer.put(from.client_address);
        writer.put("]\"");
    }
    if (!head.authority.empty()) {
        writer.put(";host=\"");
        writer.put(head.authority);
        writer.put("\"");
    }
    writer.put(";proto=");
    writer.put(from.proto);
    writer.put("\r\n");
}

template <size_t N>
void write_line(const char (&name_and_colon)[N], std::string_view value, Writer& writer) {
    writer.put(name_and_colon);
    writer.put(value);
    writer.put("\r\n");
}

void write_who_asked(const RequestHead& head, const ForwardedFor& from, Writer& writer) {
    const auto kept = [&](HeaderId id) { return from.trusted && head.headers.has(id); };
    writer.put("X-Forwarded-For: ");
    if (from.trusted) write_earlier(head.headers, HeaderId::x_forwarded_for, writer);
    writer.put(from.client_address);
    writer.put("\r\n");
    if (!kept(HeaderId::x_forwarded_proto)) write_line("X-Forwarded-Proto: ", from.proto, writer);
    if (!kept(HeaderId::x_forwarded_host) && !head.authority.empty()) {
        write_line("X-Forwarded-Host: ", head.authority, writer);
    }
    if (!from.real_ip.empty() && !kept(HeaderId::x_real_ip)) write_line("X-Real-IP: ", from.real_ip, writer);
    if (from.forwarded) write_forwarded_element(head, from, writer);
}

// The kinds of fields that do not go on as they came.
uint32_t dropped_fields(const RequestHead& head, const ForwardedFor& from, bool traced) {
    uint32_t dropped = kHopByHop | bit(HeaderId::host) | bit(HeaderId::x_forwarded_for) | bit(HeaderId::lookalike);
    if (!head.upgrade) dropped |= bit(HeaderId::upgrade);
    if (head.minor_version == 0) dropped |= bit(HeaderId::expect);
    if (!from.trusted) {
        dropped |= bit(HeaderId::x_forwarded_proto) | bit(HeaderId::x_forwarded_host) | bit(HeaderId::x_real_ip);
    }
    if (!from.trusted || from.forwarded) dropped |= bit(HeaderId::forwarded);
    if (!from.request_id.empty()) dropped |= bit(HeaderId::x_request_id);
    if (!traced) dropped |= bit(HeaderId::traceparent) | bit(HeaderId::tracestate);
    return dropped;
}

constexpr std::string_view kMaxForwards = "max-forwards";

// One hop less. Who is the last one answers, and does not come here.
void write_max_forwards(const RequestHead& head, Writer& writer) {
    if (!head.max_forwards || *head.max_forwards == 0) return;
    writer.put("Max-Forwards: ");
    writer.put_number(*head.max_forwards - 1);
    writer.put("\r\n");
}

bool is_condition(std::string_view name) {
    return scan::equals_ignoring_case(name, "if-none-match") || scan::equals_ignoring_case(name, "if-modified-since");
}

void write_target(const RequestHead& head, const Rules* rules, Writer& writer) {
    if (rules == nullptr || !rules->path) return writer.put(head.path);
    const auto [front, rest] = rules->path->apply(head.path);
    writer.put(front);
    writer.put(rest);
}

void write_host(const RequestHead& head, const Rules* rules, std::string_view default_host, Writer& writer) {
    writer.put("Host: ");
    if (rules != nullptr && !rules->host.empty()) {
        writer.put(rules->host);
    } else {
        writer.put(head.authority.empty() ? default_host : head.authority);
    }
    writer.put("\r\n");
}

}  // namespace

size_t write_request_head(const RequestHead& head, const ForwardedFor& forwarded, std::string_view default_host,
                          std::span<char> out, const Rules* rules, const Validators& validators) {
    Writer writer(out);
    writer.put(head.method_text);
    writer.put(" ");
    write_target(head, rules, writer);
    writer.put(" HTTP/1.1\r\n");
    write_host(head, rules, default_host, writer);

    const bool traced = has_well_formed_traceparent(head.headers);
    const FieldFilter filter(head.headers, dropped_fields(head, forwarded, traced));
    FieldCopier copier(writer);
    const bool asks = validators.any();
    for (const Header& field : head.headers) {
        if (!filter.keeps(field) || (rules != nullptr && rules->request.takes(field.name))) continue;
        if (head.max_forwards && scan::equals_ignoring_case(field.name, kMaxForwards)) continue;
        if (asks && is_condition(field.name)) continue;
        copier.add(field);
    }
    copier.flush();
    write_max_forwards(head, writer);

    if (head.framing == Framing::chunked) writer.put("Transfer-Encoding: chunked\r\n");
    write_connection(head, writer);
    write_who_asked(head, forwarded, writer);
    if (!forwarded.request_id.empty()) write_line("X-Request-Id: ", forwarded.request_id, writer);
    if (!traced && !forwarded.traceparent.empty()) write_line("traceparent: ", forwarded.traceparent, writer);
    if (!validators.etag.empty()) write_line("If-None-Match: ", validators.etag, writer);
    if (!validators.last_modified.empty()) write_line("If-Modified-Since: ", validators.last_modified, writer);
    if (rules != nullptr) writer.put(rules->request.lines());
    writer.put("\r\n");
    return writer.size();
}

}  // namespace steelyard::http
