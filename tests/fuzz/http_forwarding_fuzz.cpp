// Whatever stands in X-Forwarded-For, Forwarded, traceparent, X-Request-Id or --trusted-proxies: no crash, an address that is found can be
// written and read again, and a hop that is no address is never believed. The first byte says which of them.
#include <cstdlib>
#include <string>
#include <string_view>

#include "sidecar/http/forwarding.hpp"
#include "sidecar/http/trace.hpp"

namespace {

using namespace steelyard::http;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_address(const IpBytes& ip) {
    const IpText text(ip);
    require(!text.empty() && parse_ip(text.view()) == ip && parse_node(text.view()) == ip);
}

// The field in one piece, and cut in two at a comma: the same hops.
void check_hops(HeaderId id, std::string_view value) {
    static const Networks trusted = *Networks::parse("10.0.0.0/8,fd00::/8", "fuzz");
    static HeaderList headers;
    headers.clear();
    headers.push({"F", value, id});
    const auto client = client_behind(headers, trusted);
    if (client) check_address(*client);
    const size_t comma = value.rfind(',');
    if (comma == std::string_view::npos || value.find('"') != std::string_view::npos) return;
    headers.clear();
    headers.push({"F", value.substr(0, comma), id});
    headers.push({"F", value.substr(comma + 1), id});
    const auto again = client_behind(headers, trusted);
    // Malformed on the left spoils the whole of one field, but not the field behind it.
    require(id == HeaderId::forwarded || again == client);
}

void check_forwarded(std::string_view value) {
    ForwardedReader reader(value);
    size_t hops = 0;
    while (const auto hop = reader.next()) {
        require(++hops <= value.size());
        if (hop->node) check_address(*hop->node);
    }
    require(!reader.next());
    check_hops(HeaderId::forwarded, value);
}

void check_ids(std::string_view value) {
    if (is_sane_request_id(value))
        require(value.size() <= 128 && value.find_first_of("\r\n \",;") == std::string_view::npos);
    if (!is_well_formed_traceparent(value)) return;
    require(value.size() >= 55 && value.size() <= 256 && !value.starts_with("ff"));
    require(value.find_first_of("\r\n ", 0) >= 55);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    if (size == 0) return 0;
    const std::string_view text{reinterpret_cast<const char*>(data) + 1, size - 1};
    switch (data[0] % 4) {
        case 0:
            check_hops(HeaderId::x_forwarded_for, text);
            break;
        case 1:
            check_forwarded(text);
            break;
        case 2:
            check_ids(text);
            break;
        default:
            if (const auto networks = Networks::parse(text, "fuzz"); networks && !networks->empty()) {
                (void)networks->contains(IpBytes{});
            }
    }
    return 0;
}
