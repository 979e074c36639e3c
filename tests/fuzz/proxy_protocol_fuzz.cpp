// Whatever a peer begins its connection with: no crash; what is taken fits in what was read; more bytes behind it change nothing, fewer
// are not enough; and an address that is read comes out the same when it is written and read again.
#include <array>
#include <cstdlib>
#include <string>
#include <string_view>

#include "sidecar/proxy_protocol/header.hpp"

namespace {

using namespace steelyard;
using proxy_protocol::Parsed;

void require(bool condition) {
    if (!condition) std::abort();
}

void check_again(const Parsed& parsed) {
    for (const auto version : {config::ProxyProtocol::v1, config::ProxyProtocol::v2}) {
        std::array<char, proxy_protocol::kMaxWritten> out;
        const size_t size = proxy_protocol::write(version, *parsed.source, *parsed.destination, out);
        require(size <= out.size());
        const Parsed again = proxy_protocol::parse({out.data(), size});
        require(again.state == Parsed::State::done && again.bytes == size);
        require(again.source->port() == parsed.source->port() && again.source->ip() == parsed.source->ip());
        require(again.destination->to_string() == parsed.destination->to_string());
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const Parsed parsed = proxy_protocol::parse(bytes);
    if (parsed.state != Parsed::State::done) {
        require((parsed.state == Parsed::State::refused) == (parsed.fault != proxy_protocol::Fault::none));
        require(parsed.state != Parsed::State::incomplete || size < proxy_protocol::kMaxBytes);
        return 0;
    }
    require(parsed.bytes <= size && parsed.bytes <= proxy_protocol::kMaxBytes);
    require(parsed.source.has_value() == parsed.destination.has_value());
    require(proxy_protocol::parse(bytes.substr(0, parsed.bytes)).state == Parsed::State::done);
    require(proxy_protocol::parse(bytes.substr(0, parsed.bytes - 1)).state == Parsed::State::incomplete);
    const std::string longer = std::string(bytes.substr(0, parsed.bytes)) + "GET / HTTP/1.1\r\n";
    require(proxy_protocol::parse(longer).bytes == parsed.bytes);
    if (parsed.source) check_again(parsed);
    return 0;
}
