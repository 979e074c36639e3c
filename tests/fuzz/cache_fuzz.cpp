// A request and an answer of any shape, cut at the first empty line: what the cache makes of them never crashes, what it keeps has a bounded age and
// lifetime, answers the request that it was an answer to, and what it gives out are the fields that it took in. Also any text as a date.
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "sidecar/cache/http_date.hpp"
#include "sidecar/cache/store.hpp"
#include "sidecar/http/parser.hpp"

namespace {

using namespace steelyard;
using cache::Stored;

constexpr int64_t kNow = 1'800'000'000;
constexpr int64_t kMostLifetime = int64_t{10'000} * 366 * 86'400;

void require(bool condition) {
    if (!condition) std::abort();
}

void keep(cache::Request& request, const http::ResponseHead& answer) {
    static cache::Store store({.max_bytes = 1 << 16, .max_object_bytes = 1 << 14});
    const std::vector<http::Header> fields(answer.headers.begin(), answer.headers.end());
    const auto stored = std::make_shared<Stored>(request, answer, fields, Stored::Times{kNow - 1, kNow},
                                                 std::make_shared<const std::string>("body"));
    require(stored->lifetime() >= 0 && stored->lifetime() <= kMostLifetime && stored->age(kNow) >= 0);
    require(stored->matches(request));
    static http::ResponseHead out;
    stored->fill(out);
    for (const http::Header& field : out.headers) require(!field.name.empty());
    stored->fill_not_modified(out);
    const Stored again(*stored, fields, {kNow + 5, kNow + 5});
    require(again.same_variant(*stored) && again.matches(request));
    static_cast<void>(stored->not_modified_for(request));
    const auto found = store.find(request);
    if (store.keep(request, stored, found.generation)) require(store.find(request).stored == stored);
    require(store.stats().bytes <= 1 << 16);
    if (const http::Header* location = out.headers.size() != 0 ? out.headers.begin() : nullptr) {
        store.invalidate(request.key_of(location->value));
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view text{reinterpret_cast<const char*>(data), size};
    static_cast<void>(cache::parse_http_date(text, kNow));
    const size_t end = text.find("\r\n\r\n");
    if (end == std::string_view::npos) return 0;
    static http::RequestHead asked;
    static http::ResponseHead answer;
    uint32_t scanned = 0;
    if (http::parse_request(text.substr(0, end + 4), scanned, {}, asked).state != http::ParseState::complete) return 0;
    scanned = 0;
    if (http::parse_response(text.substr(end + 4), scanned, {}, asked.method, answer).state !=
        http::ParseState::complete)
        return 0;
    cache::Request request;
    request.read(asked, {});
    if (Stored::may_keep(request, answer, kNow)) keep(request, answer);
    return 0;
}
