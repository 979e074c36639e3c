#pragma once
// The codec's part for the messages about Leases. Private to common/push; the checks are those of message.hpp.
#include "common/config/fields.hpp"
#include "common/push/message.hpp"

namespace steelyard::push {

Claim decode_claim(const config::Fields& fields, config::Problems& problems);
Grant decode_grant(const config::Fields& fields, config::Problems& problems);

}  // namespace steelyard::push
