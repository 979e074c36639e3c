#include "sidecar/vip/net/frames.hpp"

#include <gtest/gtest.h>

#include <string>

namespace steelyard::vip {
namespace {

const Mac kOwn{0x02, 0, 0, 0, 0, 0x01};
const Mac kOther{0x02, 0, 0, 0, 0, 0x02};
const Ip kV4 = *Ip::parse("192.0.2.7");
const Ip kV6 = *Ip::parse("2001:db8::7");

std::string hex(std::span<const uint8_t> octets) {
    static constexpr char kDigits[] = "0123456789abcdef";
    std::string text;
    for (const uint8_t octet : octets) {
        text += kDigits[octet >> 4];
        text += kDigits[octet & 15];
    }
    return text;
}

// The one's complement sum over pseudo-header and message, which is all ones when the checksum is right.
uint32_t icmp6_sum(const Frame& frame) {
    uint32_t sum = static_cast<uint32_t>(frame.size() - 54) + 58;
    for (size_t i = 22; i + 1 < frame.size(); i += 2) sum += static_cast<uint32_t>(frame[i] << 8 | frame[i + 1]);
    while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

TEST(GratuitousArp, HasTheAddressTwiceInBothForms) {
    EXPECT_EQ(hex(gratuitous_arp(kOwn, kV4, ArpForm::request)),
              "ffffffffffff"
              "020000000001"
              "0806"
              "0001"
              "0800"
              "06"
              "04"
              "0001"
              "020000000001"
              "c0000207"
              "000000000000"
              "c0000207");
    EXPECT_EQ(hex(gratuitous_arp(kOwn, kV4, ArpForm::reply)),
              "ffffffffffff"
              "020000000001"
              "0806"
              "0001"
              "0800"
              "06"
              "04"
              "0002"
              "020000000001"
              "c0000207"
              "ffffffffffff"
              "c0000207");
}

TEST(ArpAnswer, GoesToTheAsker) {
    EXPECT_EQ(hex(arp_answer(kOwn, kV4, kOther, *Ip::parse("192.0.2.1"))),
              "020000000002"
              "020000000001"
              "0806"
              "0001"
              "0800"
              "06"
              "04"
              "0002"
              "020000000001"
              "c0000207"
              "020000000002"
              "c0000201");
}

TEST(NeighbourAdvertisement, IsUnsolicitedOverridesAndIsSealed) {
    for (const bool router : {false, true}) {
        const Frame frame = neighbour_advertisement(kOwn, kV6, router);
        EXPECT_EQ(hex(std::span(frame).first(14)),
                  "333300000001"
                  "020000000001"
                  "86dd");
        EXPECT_EQ(frame[14 + 7], 255) << "hop limit";
        EXPECT_EQ(hex(std::span(frame).subspan(22, 32)),
                  "20010db8000000000000000000000007"
                  "ff020000000000000000000000000001");
        EXPECT_EQ(frame[54], 136);
        EXPECT_EQ(frame[58], router ? 0xa0 : 0x20);
        EXPECT_EQ(icmp6_sum(frame), 0xffffU);
        const auto parsed = parse_neighbour(std::span(frame).subspan(54));
        ASSERT_TRUE(parsed);
        EXPECT_TRUE(parsed->advertisement);
        EXPECT_EQ(parsed->target, kV6);
        EXPECT_EQ(parsed->mac, kOwn);
    }
}

TEST(SolicitedAdvertisement, GoesToTheAsker) {
    const Frame frame = solicited_advertisement(kOwn, kV6, false, kOther, *Ip::parse("fe80::2"));
    EXPECT_EQ(hex(std::span(frame).first(6)), hex(kOther));
    EXPECT_EQ(frame[58], 0x60);
    EXPECT_EQ(icmp6_sum(frame), 0xffffU);
}

TEST(DuplicateAddressProbe, ComesFromNobodyAndGoesToTheAddressesGroup) {
    const Frame frame = duplicate_address_probe(kOwn, *Ip::parse("2001:db8::12:3456"));
    EXPECT_EQ(hex(std::span(frame).first(6)), "3333ff123456");
    EXPECT_EQ(hex(std::span(frame).subspan(22, 32)),
              "00000000000000000000000000000000"
              "ff0200000000000000000001ff123456");
    EXPECT_EQ(frame[54], 135);
    EXPECT_EQ(frame.size(), 14U + 40 + 24) << "no link-layer address: RFC 4861, 4.3";
    EXPECT_EQ(icmp6_sum(frame), 0xffffU);
}

TEST(ParseArp, TakesWhatIsBuiltAndNothingShorterOrOther) {
    const Frame frame = gratuitous_arp(kOther, kV4, ArpForm::reply);
    const auto packet = std::span(frame).subspan(14);
    const auto parsed = parse_arp(packet);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(parsed->form, ArpForm::reply);
    EXPECT_EQ(parsed->sender_mac, kOther);
    EXPECT_EQ(parsed->sender_ip, kV4);
    EXPECT_EQ(parsed->target_ip, kV4);
    for (size_t size = 0; size < packet.size(); ++size) EXPECT_FALSE(parse_arp(packet.first(size))) << size;
    for (size_t i = 0; i < 8; ++i) {
        Frame changed(packet.begin(), packet.end());
        changed[i] = 0x7f;
        EXPECT_FALSE(parse_arp(changed)) << i;
    }
}

TEST(ParseNeighbour, IsNotLedAstrayByOptions) {
    const Frame frame = neighbour_advertisement(kOther, kV6, false);
    const Frame message(frame.begin() + 54, frame.end());
    for (size_t size = 0; size < 24; ++size) EXPECT_FALSE(parse_neighbour(std::span(message).first(size))) << size;
    EXPECT_FALSE(parse_neighbour(std::span(message).first(24))->mac) << "without an option";
    Frame endless = message;
    endless[25] = 0;
    EXPECT_FALSE(parse_neighbour(endless)) << "an option of no length";
    Frame beyond = message;
    beyond[25] = 2;
    EXPECT_FALSE(parse_neighbour(beyond)) << "an option that goes beyond the message";
    Frame foreign = message;
    foreign[24] = 99;
    EXPECT_FALSE(parse_neighbour(foreign)->mac) << "an option of another kind";
}

}  // namespace
}  // namespace steelyard::vip
