#pragma once
// Netlink messages (netlink(7)) by the octet: one request put together, attributes taken apart. Nothing is read beyond what was given. Pure.
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <span>
#include <utility>
#include <vector>

namespace steelyard::vip::netlink {

using Octets = std::span<const uint8_t>;

// Alignment of what is received is not to be relied on: everything is copied out.
template <class T>
std::optional<T> read(Octets from, size_t at = 0) {
    if (at > from.size() || from.size() - at < sizeof(T)) return std::nullopt;
    T value;
    std::memcpy(&value, from.data() + at, sizeof value);
    return value;
}

constexpr size_t aligned(size_t size) { return (size + 3) & ~size_t{3}; }

// Calls `each(type, payload)` for every attribute that is whole.
template <class F>
void attributes(Octets from, F each) {
    while (const auto head = read<rtattr>(from)) {
        if (head->rta_len < sizeof(rtattr) || head->rta_len > from.size()) return;
        each(head->rta_type & NLA_TYPE_MASK, from.subspan(sizeof(rtattr), head->rta_len - sizeof(rtattr)));
        from = from.subspan(std::min(aligned(head->rta_len), from.size()));
    }
}

class Request {
public:
    Request(uint16_t type, unsigned flags, uint32_t sequence) {
        nlmsghdr head{};
        head.nlmsg_type = type;
        head.nlmsg_flags = static_cast<uint16_t>(NLM_F_REQUEST | flags);
        head.nlmsg_seq = sequence;
        append(head);
    }
    template <class T>
    Request& append(const T& value) {
        append_octets({reinterpret_cast<const uint8_t*>(&value), sizeof value});
        return *this;
    }
    Request& attribute(uint16_t type, Octets value) {
        rtattr head{};
        head.rta_len = static_cast<uint16_t>(sizeof head + value.size());
        head.rta_type = type;
        append(head);
        append_octets(value);
        return *this;
    }
    template <class T>
    Request& attribute_of(uint16_t type, const T& value) {
        return attribute(type, {reinterpret_cast<const uint8_t*>(&value), sizeof value});
    }
    // An attribute of attributes: what is appended until close() is in it.
    size_t open(uint16_t type) {
        const size_t at = octets_.size();
        rtattr head{};
        head.rta_type = static_cast<uint16_t>(type | NLA_F_NESTED);
        append(head);
        return at;
    }
    void close(size_t at) {
        const auto size = static_cast<uint16_t>(octets_.size() - at);
        std::memcpy(octets_.data() + at, &size, sizeof size);  // rta_len comes first
    }
    std::vector<uint8_t> finish() {
        const auto size = static_cast<uint32_t>(octets_.size());
        std::memcpy(octets_.data(), &size, sizeof size);  // nlmsg_len comes first
        return std::move(octets_);
    }

private:
    void append_octets(Octets value) {
        octets_.insert(octets_.end(), value.begin(), value.end());
        octets_.resize(aligned(octets_.size()));
    }
    std::vector<uint8_t> octets_;
};

}  // namespace steelyard::vip::netlink
