#include "sidecar/access_log/request_note.hpp"

#include <strings.h>

#include "sidecar/access_log/format.hpp"

namespace steelyard::access_log {
namespace {

// The first field of a name counts. `name` is at most as long as the field's.
bool is(const http::Header& header, std::string_view name) {
    return strncasecmp(header.name.data(), name.data(), name.size()) == 0;
}

}  // namespace

void RequestNote::begin(const http::RequestHead& head, const Format& format) {
    minor_version_ = head.minor_version;
    real_ip_.clear();
    endpoint_.clear();
    method_.set(head.method_text);
    path_.set(head.path);
    host_.set(head.authority);
    user_agent_.clear();
    referer_.clear();
    request_id_.clear();
    if (format.uses(Field::user_agent) || format.uses(Field::referer) || format.uses(Field::request_id)) {
        take_fields(head);
    }
}

void RequestNote::take_fields(const http::RequestHead& head) {
    for (const auto& header : head.headers) {
        if (header.id == http::HeaderId::x_request_id && request_id_.view().empty()) request_id_.set(header.value);
        if (header.id != http::HeaderId::other) continue;
        switch (header.name.size()) {  // each of another length
            case 7:
                if (referer_.view().empty() && is(header, "referer")) referer_.set(header.value);
                break;
            case 10:
                if (user_agent_.view().empty() && is(header, "user-agent")) user_agent_.set(header.value);
                break;
            default:
                break;
        }
    }
}

void RequestNote::fill(Record& record) const {
    record.protocol = minor_version_ == 0 ? "HTTP/1.0" : "HTTP/1.1";
    record.real_ip = real_ip_.view();
    record.endpoint = endpoint_.view();
    record.method = method_.view();
    record.path = path_.view();
    record.host = host_.view();
    record.user_agent = user_agent_.view();
    record.referer = referer_.view();
    record.request_id = request_id_.view();
}

}  // namespace steelyard::access_log
