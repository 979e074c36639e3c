#include "sidecar/http/content_change.hpp"

#include "sidecar/http/field_list.hpp"
#include "sidecar/http/head_writer.hpp"

namespace steelyard::http {
namespace {

bool is_etag(const Header& field) { return field.name.size() == 4 && equals_ignoring_case(field.name, "etag"); }

}  // namespace

bool ContentChange::takes(const Header& field) const {
    if (field.id == HeaderId::content_length || field.id == HeaderId::trailer) return !coding.empty();
    if (field.id != HeaderId::other) return false;
    if (weak_etag && is_etag(field)) return true;
    if (age && equals_ignoring_case(field.name, "age")) return true;
    return !coding.empty() && equals_ignoring_case(field.name, "accept-ranges");
}

void ContentChange::write(const HeaderList& headers, Writer& writer) const {
    if (weak_etag) {
        for (const Header& field : headers) {
            if (!is_etag(field)) continue;
            writer.put(field.value.starts_with("W/") ? std::string_view("ETag: ") : std::string_view("ETag: W/"));
            writer.put(field.value);
            writer.put("\r\n");
        }
    }
    if (!coding.empty()) {
        writer.put("Content-Encoding: ");
        writer.put(coding);
        writer.put("\r\n");
    }
    if (vary && !list_has(headers, "vary", "accept-encoding") && !list_has(headers, "vary", "*")) {
        writer.put("Vary: Accept-Encoding\r\n");
    }
    if (age) {
        writer.put("Age: ");
        writer.put_number(*age);
        writer.put("\r\n");
    }
    if (!cache_status.empty()) {
        writer.put("Cache-Status: ");
        writer.put(cache_status);
        writer.put("\r\n");
    }
}

}  // namespace steelyard::http
