#pragma once
// What a request carries of the key that its upstream is balanced by (config::HashKey). Pure; reads the head's bytes as they
// came, decodes and allocates nothing.
//
// header: the first field of that name. cookie: the first pair of that name (names are case-sensitive) in the Cookie fields, read
// strictly as user agents write them (RFC 6265 section 5.4), "a=b; c=d": what follows another separator is not looked at, as nobody
// can tell how the host reads it. query: the first parameter of that name, up to the next "&"; bytes as they stand, %41 is not A.
#include <string_view>

#include "common/config/model.hpp"
#include "sidecar/http/message.hpp"

namespace steelyard::http {

// "" when it is absent, empty, or when the key is the client's address.
std::string_view hash_value(const config::HashKey& key, const RequestHead& head);

// The two that parse. `name` is not empty.
std::string_view cookie_value(std::string_view cookies, std::string_view name);
std::string_view query_value(std::string_view path, std::string_view name);

}  // namespace steelyard::http
