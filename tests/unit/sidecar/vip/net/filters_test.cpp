#include "sidecar/vip/net/filters.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <vector>

#include "sidecar/vip/net/frames.hpp"

namespace steelyard::vip {
namespace {

// The kernel itself runs the filter: on a pair of local datagram sockets, so that no rights are needed.
class Filtered {
public:
    explicit Filtered(const Filter& filter) {
        if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends_.data()) != 0) ADD_FAILURE() << "socketpair";
        attached_ = attach(ends_[1], filter);
    }
    ~Filtered() {
        close(ends_[0]);
        close(ends_[1]);
    }
    bool attached() const { return attached_; }
    bool passes(const std::vector<uint8_t>& packet) {
        static_cast<void>(send(ends_[0], packet.data(), packet.size(), 0));
        std::array<uint8_t, 256> buffer{};
        return recv(ends_[1], buffer.data(), buffer.size(), 0) == static_cast<ssize_t>(packet.size());
    }

private:
    std::array<int, 2> ends_{};
    bool attached_ = false;
};

std::vector<uint8_t> arp_of(const char* sender, const char* target) {
    const Frame frame = arp_answer({}, *Ip::parse(sender), {}, *Ip::parse(target));
    return {frame.begin() + 14, frame.end()};
}

TEST(VrrpFilter, PassesTheRouterIdsBehindAnyIpv4Header) {
    Filtered filtered(vrrp_filter(Family::ipv4, {7, 200}));
    ASSERT_TRUE(filtered.attached());
    for (const size_t words : {5, 6, 15}) {
        std::vector<uint8_t> packet(words * 4 + 8);
        packet[0] = static_cast<uint8_t>(0x40 | words);
        for (const auto& [id, passes] : {std::pair{7, true}, {200, true}, {8, false}, {0, false}}) {
            packet[words * 4 + 1] = static_cast<uint8_t>(id);
            EXPECT_EQ(filtered.passes(packet), passes) << words << " words, router " << id;
        }
    }
    EXPECT_FALSE(filtered.passes({0x45, 0, 0})) << "too short for an id";
}

TEST(VrrpFilter, OfIpv6BeginsWithTheMessage) {
    Filtered filtered(vrrp_filter(Family::ipv6, {7}));
    EXPECT_TRUE(filtered.passes({0x31, 7, 100, 1, 0, 10, 0, 0}));
    EXPECT_FALSE(filtered.passes({0x31, 8, 100, 1, 0, 10, 0, 0}));
}

TEST(VrrpFilter, WithoutRoutersPassesNothingAndWithAllOfThemTheKernelTakesIt) {
    EXPECT_FALSE(Filtered(vrrp_filter(Family::ipv6, {})).passes({0x31, 7}));
    std::set<uint8_t> all;
    for (int id = 1; id <= 255; ++id) all.insert(static_cast<uint8_t>(id));
    Filtered filtered(vrrp_filter(Family::ipv4, all));
    ASSERT_TRUE(filtered.attached());
    std::vector<uint8_t> packet(28);
    packet[0] = 0x45;
    packet[21] = 255;
    EXPECT_TRUE(filtered.passes(packet));
}

TEST(ArpFilter, PassesClaimsAndQuestionsThatAreForUs) {
    Filtered filtered(arp_filter({*Ip::parse("192.0.2.7"), *Ip::parse("192.0.2.8")}, {*Ip::parse("192.0.2.8")}));
    ASSERT_TRUE(filtered.attached());
    EXPECT_TRUE(filtered.passes(arp_of("192.0.2.7", "192.0.2.1")));
    EXPECT_FALSE(filtered.passes(arp_of("192.0.2.1", "192.0.2.7"))) << "the kernel answers that";
    EXPECT_TRUE(filtered.passes(arp_of("192.0.2.1", "192.0.2.8"))) << "we answer that";
    EXPECT_FALSE(filtered.passes(arp_of("192.0.2.1", "192.0.2.2")));
}

TEST(ArpFilter, OfTooManyAddressesPassesEverything) {
    std::set<Ip> many;
    for (int i = 0; i < 32768; ++i) {
        many.insert(Ip{Family::ipv4, {10, 0, static_cast<uint8_t>(i >> 8), static_cast<uint8_t>(i & 255)}});
    }
    Filtered filtered(arp_filter(many, {}));
    ASSERT_TRUE(filtered.attached());
    EXPECT_TRUE(filtered.passes(arp_of("192.0.2.1", "192.0.2.2")));
}

}  // namespace
}  // namespace steelyard::vip
