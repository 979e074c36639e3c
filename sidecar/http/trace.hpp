#pragma once
// Names for one request on its way through several programs: X-Request-Id (a custom) and traceparent (W3C Trace Context, level 1). Pure.
#include <array>
#include <cstdint>
#include <string_view>

#include "sidecar/http/message.hpp"

namespace steelyard::http {

// 1 to 128 letters, digits and "-_.:+/=@~": fit for a log line, a query and a file name's part.
bool is_sane_request_id(std::string_view id);
// version "-" trace-id "-" parent-id "-" flags in small hexadecimal, neither id all zeros, version not ff; version 00 is 55 bytes
// long, a later one may go on behind another "-". At most 256 bytes.
bool is_well_formed_traceparent(std::string_view value);

// The value of the only field of this kind; nullptr when there is none, or several.
const Header* only(const HeaderList& headers, HeaderId id);

bool has_sane_request_id(const HeaderList& headers);
bool has_well_formed_traceparent(const HeaderList& headers);

// Random ids without a system call for each: xoshiro256++ (Blackman and Vigna, 2018) from 256 bits of the kernel's. Unique, no
// secret: who sees some can compute others. One a worker: not thread-safe.
class RandomIds {
public:
    static constexpr size_t kRequestIdBytes = 32;
    static constexpr size_t kTraceparentBytes = 55;

    RandomIds();                                              // seeded by the kernel
    explicit RandomIds(const std::array<uint64_t, 4>& seed);  // for tests; not all zeros

    uint64_t next();
    // 128 random bits in hexadecimal. Views into `out`.
    std::string_view request_id(std::array<char, kRequestIdBytes>& out);
    // Version 00, new ids, sampled: where the trace begins nobody has decided otherwise.
    std::string_view traceparent(std::array<char, kTraceparentBytes>& out);

private:
    uint64_t next_not_zero();

    std::array<uint64_t, 4> state_;
};

}  // namespace steelyard::http
