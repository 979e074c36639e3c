#include "sidecar/cache/stored.hpp"

#include <algorithm>
#include <array>

#include "sidecar/cache/http_date.hpp"
#include "sidecar/http/field_list.hpp"

namespace steelyard::cache {
namespace {

using http::equals_ignoring_case;
using http::HeaderId;

// What a kept answer takes besides its texts: its node, the index and the allocator's share.
constexpr size_t kOverhead = 512;

// Statuses whose meaning for a cache is known: what must-understand asks for.
constexpr std::array<uint16_t, 13> kUnderstood{200, 203, 204, 300, 301, 302, 307, 308, 404, 405, 410, 414, 501};

// What a 304 says of itself, not of what is kept (section 3.2), and what belongs to the bytes that are kept.
constexpr std::array<std::string_view, 7> kOfTheMessage{
    "content-length", "content-encoding", "content-range", "content-md5", "transfer-encoding", "etag", "set-cookie"};
// The age of an answer whose Age says none.
constexpr int64_t kUnknownAge = 0x80000000;

template <size_t N>
bool among(std::string_view name, const std::array<std::string_view, N>& names) {
    return std::any_of(names.begin(), names.end(),
                       [&](std::string_view one) { return equals_ignoring_case(name, one); });
}

std::string_view weak_part(std::string_view etag) { return etag.starts_with("W/") ? etag.substr(2) : etag; }

std::string lower(std::string_view text) {
    std::string out(text);
    std::transform(out.begin(), out.end(), out.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return out;
}

std::string_view first_value(const http::HeaderList& headers, std::string_view name) {
    const http::Header* const field = http::find_field(headers, name);
    return field != nullptr ? field->value : std::string_view();
}

// Repeated, listed or malformed: nobody knows, so it is not taken for fresh.
int64_t age_said(const http::HeaderList& headers) {
    const auto is_age = [](const http::Header& field) { return equals_ignoring_case(field.name, "age"); };
    const auto* const first = std::find_if(headers.begin(), headers.end(), is_age);
    if (first == headers.end()) return 0;
    if (std::find_if(first + 1, headers.end(), is_age) != headers.end()) return kUnknownAge;
    const auto age = parse_delta(first->value);
    return age ? *age : kUnknownAge;
}

}  // namespace

std::optional<int64_t> lifetime_of(const ResponseDirectives& directives, std::string_view expires,
                                   std::string_view date, int64_t answered) {
    if (directives.s_maxage) return *directives.s_maxage;
    if (directives.max_age) return *directives.max_age;
    if (expires.data() == nullptr) return std::nullopt;
    const auto at = parse_http_date(expires, answered);
    if (!at) return 0;  // "0" and its like: already stale (section 5.3)
    return std::max<int64_t>(0, *at - parse_http_date(date, answered).value_or(answered));
}

bool Stored::may_keep(const Request& request, const http::ResponseHead& head, int64_t now) {
    if (!request.storable() || head.status < 200 || head.status == 206 || head.status == 304) return false;
    if (head.framing == http::Framing::until_close) return false;
    const ResponseDirectives said = read_response_directives(head.headers);
    const bool understood = std::find(kUnderstood.begin(), kUnderstood.end(), head.status) != kUnderstood.end();
    if (said.must_understand ? !understood : said.no_store) return false;
    if (said.is_private || http::find_field(head.headers, "set-cookie") != nullptr) return false;
    if (request.authorized() && !said.must_revalidate && !said.is_public && !said.s_maxage) return false;
    if (http::list_has(head.headers, "vary", "*")) return false;
    const auto lifetime =
        lifetime_of(said, first_value(head.headers, "expires"), first_value(head.headers, "date"), now);
    if (!lifetime && !said.no_cache) return false;
    const bool validator =
        !first_value(head.headers, "etag").empty() || !first_value(head.headers, "last-modified").empty();
    return validator || (*lifetime > 0 && !said.no_cache);
}

Stored::Stored(const Request& request, const http::ResponseHead& head, const std::vector<http::Header>& fields,
               Times times, std::shared_ptr<const std::string> body)
    : status_(head.status), text_(head.reason) {
    reason_size_ = static_cast<uint32_t>(head.reason.size());
    for (const http::Header& field : fields) {
        if (field.id != HeaderId::content_length && field.id != HeaderId::trailer)
            append(field.name, field.value, field.id);
    }
    for (const http::Header& field : fields) {
        if (!equals_ignoring_case(field.name, "vary")) continue;
        for (std::string_view names = field.value; !names.empty();) {
            const std::string_view name = http::next_list_element(names);
            if (!name.empty()) vary_.emplace_back(lower(name), request.value_of(name));
        }
    }
    settle(times);
    if (body) set_body(std::move(body));
}

void Stored::set_body(std::shared_ptr<const std::string> body) {
    body_ = std::move(body);
    if (status_ != 204) append("Content-Length", std::to_string(body_->size()), HeaderId::content_length);
    weigh();
}

Stored::Stored(const Stored& old, const std::vector<http::Header>& fields, Times times)
    : status_(old.status_),
      text_(old.text_, 0, old.reason_size_),
      reason_size_(old.reason_size_),
      vary_(old.vary_),
      body_(old.body_) {
    const auto replaced = [&](std::string_view name) {
        return !among(name, kOfTheMessage) && std::any_of(fields.begin(), fields.end(), [&](const http::Header& f) {
            return equals_ignoring_case(f.name, name);
        });
    };
    for (const Place& place : old.places_) {
        const http::Header kept = old.field(place);
        if (!replaced(kept.name)) append(kept.name, kept.value, kept.id);
    }
    for (const http::Header& field : fields) {
        if (!among(field.name, kOfTheMessage)) append(field.name, field.value, field.id);
    }
    settle(times);
    weigh();
}

void Stored::append(std::string_view name, std::string_view value, HeaderId id) {
    const auto at = static_cast<uint32_t>(text_.size());
    const auto name_size = static_cast<uint32_t>(name.size());
    places_.push_back({at, name_size, at + name_size, static_cast<uint32_t>(value.size()), id});
    text_.append(name).append(value);
}

// What the fields say of time, once they are all there.
void Stored::settle(Times times) {
    http::HeaderList headers;
    for (const Place& place : places_) headers.push(field(place));
    const ResponseDirectives said = read_response_directives(headers);
    const std::string_view date = first_value(headers, "date");
    answered_ = times.answered;
    lifetime_ = lifetime_of(said, first_value(headers, "expires"), date, times.answered).value_or(0);
    no_cache_ = said.no_cache;
    if (!said.must_revalidate && !said.s_maxage && !said.no_cache) stale_if_error_ = said.stale_if_error;
    const int64_t age = age_said(headers);  // section 4.2.3
    const int64_t apparent =
        std::max<int64_t>(0, times.answered - parse_http_date(date, times.answered).value_or(times.answered));
    initial_age_ = std::max(apparent, age + std::max<int64_t>(0, times.answered - times.asked));
}

void Stored::weigh() {
    bytes_ = kOverhead + text_.size() + places_.size() * sizeof(Place) + body_->size();
    for (const auto& [name, value] : vary_) bytes_ += name.size() + value.size() + sizeof(vary_[0]);
}

http::Header Stored::field(const Place& place) const {
    const std::string_view text(text_);
    return {text.substr(place.name_at, place.name_size), text.substr(place.value_at, place.value_size), place.id};
}

std::string_view Stored::value_of(std::string_view name) const {
    for (const Place& place : places_) {
        if (const http::Header one = field(place); equals_ignoring_case(one.name, name)) return one.value;
    }
    return {};
}

bool Stored::matches(const Request& request) const {
    return std::all_of(vary_.begin(), vary_.end(),
                       [&](const auto& one) { return request.value_of(one.first) == one.second; });
}

int64_t Stored::age(int64_t now) const { return initial_age_ + std::max<int64_t>(0, now - answered_); }

bool Stored::satisfies(const RequestDirectives& wanted, int64_t now) const {
    if (no_cache_ || wanted.no_cache) return false;
    const int64_t current = age(now);
    if (wanted.max_age && current > int64_t{*wanted.max_age}) return false;
    return lifetime_ - current > int64_t{wanted.min_fresh.value_or(0)};
}

bool Stored::usable_on_error(int64_t now) const {
    return stale_if_error_ && age(now) - lifetime_ <= int64_t{*stale_if_error_};
}

bool Stored::not_modified_for(const Request& request) const {
    if (status_ != 200) return false;
    if (request.has("if-none-match")) {
        const std::string_view own = weak_part(etag());
        for (std::string_view list = request.value_of("if-none-match"); !list.empty();) {
            const std::string_view one = http::next_list_element(list);
            if (one == "*" || (!own.empty() && weak_part(one) == own)) return true;
        }
        return false;
    }
    const std::string_view since = request.value_of("if-modified-since");
    if (since.empty()) return false;
    const auto limit = parse_http_date(since, answered_);
    const std::string_view modified = last_modified().empty() ? value_of("date") : last_modified();
    const auto changed = parse_http_date(modified, answered_);
    return limit && changed && *changed <= *limit;
}

void Stored::fill(http::ResponseHead& head) const {
    head.status = status_;
    head.reason = std::string_view(text_).substr(0, reason_size_);
    head.minor_version = 1;
    head.framing = status_ == 204 || body_->empty() ? http::Framing::none : http::Framing::length;
    head.content_length = body_->size();
    head.keep_alive = true;
    head.headers.clear();
    for (const Place& place : places_) head.headers.push(field(place));
}

void Stored::fill_not_modified(http::ResponseHead& head) const {
    constexpr std::array<std::string_view, 7> kKept{"cache-control", "content-location", "date", "etag", "expires",
                                                    "vary",          "last-modified"};
    fill(head);
    head.status = 304;
    head.reason = "Not Modified";
    head.framing = http::Framing::none;
    head.content_length = 0;
    head.headers.clear();
    for (const Place& place : places_) {
        if (const http::Header one = field(place); among(one.name, kKept)) head.headers.push(one);
    }
}

}  // namespace steelyard::cache
