#pragma once
// What content codings a client takes (Accept-Encoding, RFC 9110 section 12.5.3). Strict: a field that does not keep to
// the grammar, or lists more than kMaxElements, means that nothing is compressed for this client. Allocates nothing.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "common/config/policy.hpp"

namespace steelyard::compress {

using config::Coding;

constexpr size_t kCodings = 3;
constexpr size_t kMaxElements = 32;

// As in Content-Encoding: "gzip", "br", "zstd".
std::string_view token_of(Coding coding);

class AcceptEncoding {
public:
    // One field line's value; several are one list.
    void add(std::string_view value);

    // Of the offered codings, in their order, the first that no other beats in the client's weights; nullopt: as it is,
    // since the client did not ask, prefers it so, or takes none of them. "identity;q=0" with nothing else that is
    // offered also gives nullopt: an answer in a wrong form is of more use than 406.
    std::optional<Coding> choose(std::span<const Coding> offered) const;

private:
    static constexpr uint16_t kUnsaid = 0xffff;
    void add_element(std::string_view element);

    // Weights in thousandths.
    std::array<uint16_t, kCodings> weights_{kUnsaid, kUnsaid, kUnsaid};
    uint16_t identity_ = kUnsaid;
    uint16_t any_ = kUnsaid;  // "*"
    size_t elements_ = 0;
    bool malformed_ = false;
};

}  // namespace steelyard::compress
