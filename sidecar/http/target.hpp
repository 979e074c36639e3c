#pragma once
// Request targets and the Host field (RFC 9112 section 3.2, RFC 9110 section 7.2). Private to this folder.
#include <string_view>

#include "sidecar/http/parser.hpp"

namespace steelyard::http {

// Splits head.target by its form into head.path and, for absolute-form, head.authority (else left empty).
// CONNECT is refused whatever its target is.
Fault split_target(RequestHead& head);

// Checks the Host field against version and target, and completes head.authority with it.
Fault settle_authority(RequestHead& head, bool has_host, std::string_view host);

}  // namespace steelyard::http
