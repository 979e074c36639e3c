#pragma once
// The limits that model.hpp states, checked: at every door a resource comes in by (a frame, a file, the controller's
// own output). Adds one problem for each field that is wrong, under `path`, and changes nothing. Pure.
#include <string_view>

#include "common/config/model.hpp"
#include "common/config/problems.hpp"

namespace steelyard::config {

void validate(const Listener& listener, const Path& path, Problems& problems);
void validate(const Upstream& upstream, const Path& path, Problems& problems);
void validate(const Policy& policy, const Path& path, Problems& problems);
void validate(const EndpointSlice& slice, const Path& path, Problems& problems);
void validate(const VirtualIp& ip, const Path& path, Problems& problems);
void validate(const Resource& resource, const Path& path, Problems& problems);
void validate(const ResourceKey& key, const Path& path, Problems& problems);

// A name of a listener, upstream, slice, proxy, zone or node: 1 .. kMaxNameBytes of visible ASCII, no spaces.
bool is_name(std::string_view text);
// The name of what a HashKey hashes, 1 .. kMaxNameBytes: of a header in lower case, or of a cookie: a token (RFC 9110 section
// 5.6.2; RFC 6265 section 4.1.1); of a query parameter: visible ASCII as it stands in the URL, without & = #.
bool is_hash_name(HashKey::Source source, std::string_view name);
// An IPv4 or IPv6 literal, without brackets or zone.
bool is_ip(std::string_view text);
// An IP literal, and neither unspecified, which would be the proxy itself, nor multicast or reserved, which is nobody.
bool is_host_address(std::string_view text);

}  // namespace steelyard::config
