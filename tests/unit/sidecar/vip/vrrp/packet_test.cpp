// Octets: what keepalived sends is understood, what we send is what RFC 9568 draws, and each thing that can be wrong has its name.
#include "sidecar/vip/vrrp/packet.hpp"

#include <gtest/gtest.h>

#include <array>
#include <set>
#include <string>

namespace steelyard::vip {
namespace {

Ip ip(const char* text) { return Ip::parse(text).value(); }

const Envelope kIpv4{ip("10.0.0.3"), ip("224.0.0.18"), 255};
const Envelope kIpv6{ip("fe80::a"), ip("ff02::12"), 255};

// Sent by keepalived 2.0.10 from 10.0.0.3: router 2, priority 150, each second, three addresses.
const std::vector<uint8_t> kKeepalived{0x31, 0x02, 0x96, 0x03, 0x00, 0x64, 0x08, 0x2d, 185, 203,
                                       112,  1,    10,   0,    0,    1,    10,   0,    8,   1};

Advert small_advert() { return {7, 200, Milliseconds{100}, {ip("192.0.2.7")}}; }

std::vector<uint8_t> encoded(const Advert& advert, const Envelope& envelope,
                             Checksum checksum = Checksum::pseudo_header) {
    std::vector<uint8_t> bytes(kMaxSentBytes);
    bytes.resize(encode(advert, envelope.source, envelope.destination, checksum, bytes));
    return bytes;
}

// The octets with a checksum (RFC 9568's) that is right for them.
std::vector<uint8_t> signed_again(std::vector<uint8_t> bytes) {
    bytes[6] = bytes[7] = 0;
    uint32_t sum = 0;
    for (size_t i = 0; i < bytes.size(); ++i) sum += i % 2 == 0 ? static_cast<uint32_t>(bytes[i]) << 8 : bytes[i];
    while (sum > 0xffff) sum = (sum & 0xffff) + (sum >> 16);
    bytes[6] = static_cast<uint8_t>(~sum >> 8 & 0xff);
    bytes[7] = static_cast<uint8_t>(~sum & 0xff);
    return bytes;
}

TEST(VrrpPacket, WhatKeepalivedSendsIsUnderstood) {
    const auto decoded = decode(kKeepalived, kIpv4);
    ASSERT_EQ(decoded.fault, Fault::none) << to_string(decoded.fault);
    EXPECT_EQ(decoded.checksum, Checksum::pseudo_header);
    const Advert expected{2, 150, Milliseconds{1000}, {ip("185.203.112.1"), ip("10.0.0.1"), ip("10.0.8.1")}};
    EXPECT_EQ(decoded.advert, expected);
    EXPECT_EQ(encoded(expected, kIpv4), kKeepalived);
}

TEST(VrrpPacket, TheChecksumOfRfc9568IsTakenAndWrittenToo) {
    auto bytes = kKeepalived;
    bytes[6] = 0xf2;
    bytes[7] = 0xc6;
    const auto decoded = decode(bytes, kIpv4);
    ASSERT_EQ(decoded.fault, Fault::none);
    EXPECT_EQ(decoded.checksum, Checksum::message);
    EXPECT_EQ(encoded(decoded.advert, kIpv4, Checksum::message), bytes);
}

TEST(VrrpPacket, OverIpv6ThePseudoHeaderAlwaysCounts) {
    const Advert advert{5, 100, Milliseconds{100}, {ip("fe80::1"), ip("2001:db8::7")}};
    const auto bytes = encoded(advert, kIpv6);
    ASSERT_EQ(bytes.size(), 40U);
    EXPECT_EQ(bytes[6], 0x40);
    EXPECT_EQ(bytes[7], 0x74);
    EXPECT_EQ(encoded(advert, kIpv6, Checksum::message), bytes);
    EXPECT_EQ(decode(bytes, kIpv6).advert, advert);
    EXPECT_EQ(decode(signed_again(bytes), kIpv6).fault, Fault::checksum);
    EXPECT_EQ(decode(bytes, {kIpv6.source, ip("ff02::13"), 255}).fault, Fault::checksum);
}

TEST(VrrpPacket, EveryFaultHasItsName) {
    const auto good = encoded(small_advert(), kIpv4);
    ASSERT_EQ(decode(good, kIpv4).fault, Fault::none);
    const auto with = [&](size_t at, uint8_t value) {
        auto bytes = good;
        bytes[at] = value;
        return decode(signed_again(bytes), kIpv4).fault;
    };
    EXPECT_EQ(decode(good, {kIpv4.source, kIpv4.destination, 254}).fault, Fault::hop_limit);
    EXPECT_EQ(decode({}, kIpv4).fault, Fault::truncated);
    EXPECT_EQ(decode(std::span(good).first(7), kIpv4).fault, Fault::truncated);
    EXPECT_EQ(with(0, 0x21), Fault::version);
    EXPECT_EQ(with(0, 0x41), Fault::version);
    EXPECT_EQ(with(0, 0x32), Fault::type);
    EXPECT_EQ(with(1, 0), Fault::router_id);
    EXPECT_EQ(with(3, 0), Fault::no_addresses);
    EXPECT_EQ(with(3, 2), Fault::length);
    EXPECT_EQ(with(5, 0), Fault::interval);
    auto longer = good;
    longer.insert(longer.end(), {192, 0, 2, 8});
    EXPECT_EQ(decode(signed_again(longer), kIpv4).fault, Fault::length);
    EXPECT_EQ(decode(std::vector<uint8_t>(60'000, 0x31), kIpv4).fault, Fault::length);
    for (size_t i = 1; i < good.size(); ++i) {
        auto bytes = good;
        bytes[i] ^= 0x40;
        EXPECT_EQ(decode(bytes, kIpv4).fault, Fault::checksum) << i;
    }
}

TEST(VrrpPacket, AVersion2PacketWithAPasswordIsOfAnotherVersion) {
    const std::vector<uint8_t> bytes{0x21, 7, 100, 1, 1, 1, 0, 0, 192, 0, 2, 7, 's', 'e', 'c', 'r', 'e', 't', 0, 0};
    EXPECT_EQ(decode(bytes, kIpv4).fault, Fault::version);
}

TEST(VrrpPacket, TheReservedBitsAreNotLookedAt) {
    auto bytes = encoded(small_advert(), kIpv4);
    bytes[4] |= 0xf0;
    EXPECT_EQ(decode(signed_again(bytes), kIpv4).advert, small_advert());
}

TEST(VrrpPacket, ThePrioritiesOfSteppingDownAndOfTheOwnerAndTheLongestListGoThrough) {
    for (const uint8_t priority : {uint8_t{0}, uint8_t{255}}) {
        Advert advert{255, priority, kMaxAdvertInterval, {}};
        for (size_t i = 0; i < kMaxAddresses; ++i) advert.addresses.push_back(ip("2001:db8::7"));
        const auto bytes = encoded(advert, kIpv6);
        EXPECT_EQ(bytes.size(), kMaxSentBytes);
        EXPECT_EQ(decode(bytes, kIpv6).advert, advert);
    }
}

TEST(VrrpPacket, WhatCannotBeSaidIsNotWritten) {
    const auto size = [](const Advert& advert, size_t room = kMaxSentBytes) {
        std::vector<uint8_t> bytes(room);
        return encode(advert, kIpv4.source, kIpv4.destination, Checksum::pseudo_header, bytes);
    };
    auto advert = small_advert();
    EXPECT_EQ(size(advert), 12U);
    EXPECT_EQ(size(advert, 11), 0U);
    advert.interval = Milliseconds{9};
    EXPECT_EQ(size(advert), 0U);
    advert.interval = Milliseconds{40'960};
    EXPECT_EQ(size(advert), 0U);
    advert = small_advert();
    advert.addresses.push_back(ip("2001:db8::7"));
    EXPECT_EQ(size(advert), 0U);
    advert.addresses.clear();
    EXPECT_EQ(size(advert), 0U);
    advert.addresses.assign(256, ip("192.0.2.7"));
    EXPECT_EQ(size(advert, 4096), 0U);
}

std::vector<uint8_t> ipv4_packet(size_t options = 0) {
    const auto header = static_cast<uint8_t>(20 + options);
    std::vector<uint8_t> packet{static_cast<uint8_t>(0x40 | header / 4),
                                0xc0,
                                0,
                                static_cast<uint8_t>(header + kKeepalived.size()),
                                0,
                                1,
                                0,
                                0,
                                255,
                                kVrrpProtocol,
                                0,
                                0,
                                10,
                                0,
                                0,
                                3,
                                224,
                                0,
                                0,
                                18};
    packet.resize(header);
    packet.insert(packet.end(), kKeepalived.begin(), kKeepalived.end());
    return packet;
}

TEST(VrrpPacket, AnIpv4PacketIsTakenApart) {
    for (const size_t options : {size_t{0}, size_t{4}, size_t{40}}) {
        auto packet = ipv4_packet(options);
        packet.resize(packet.size() + 6);  // Ethernet pads short frames
        const auto split = split_ipv4(packet);
        ASSERT_TRUE(split);
        EXPECT_EQ(split->envelope.source, kIpv4.source);
        EXPECT_EQ(split->envelope.destination, kIpv4.destination);
        EXPECT_EQ(decode(split->message, split->envelope).fault, Fault::none);
    }
}

TEST(VrrpPacket, WhatIsNoWholePacketOfVrrpIsNot) {
    const auto with = [](size_t at, uint8_t value) {
        auto packet = ipv4_packet();
        packet[at] = value;
        return split_ipv4(packet).has_value();
    };
    EXPECT_FALSE(with(0, 0x65));  // IPv6
    EXPECT_FALSE(with(0, 0x44));  // a header of 16 octets
    EXPECT_FALSE(with(3, 41));    // longer than what came
    EXPECT_FALSE(with(3, 19));    // shorter than its header
    EXPECT_FALSE(with(6, 0x20));  // more fragments
    EXPECT_FALSE(with(7, 1));     // not the first fragment
    EXPECT_FALSE(with(9, 17));    // UDP
    EXPECT_TRUE(with(6, 0x40));   // must not be fragmented: is whole
    const auto packet = ipv4_packet();
    EXPECT_FALSE(split_ipv4(std::span(packet).first(19)));
}

TEST(VrrpPacket, FaultsAndChecksumsHaveNamesOfTheirOwn) {
    std::set<std::string> names;
    for (size_t i = 0; i < static_cast<size_t>(Fault::kCount); ++i) {
        EXPECT_TRUE(names.insert(to_string(static_cast<Fault>(i))).second);
        EXPECT_NE(explanation(static_cast<Fault>(i)), nullptr);
    }
    EXPECT_EQ(parse_checksum("message"), Checksum::message);
    EXPECT_EQ(parse_checksum("pseudo-header"), Checksum::pseudo_header);
    EXPECT_EQ(parse_checksum("none"), std::nullopt);
}

}  // namespace
}  // namespace steelyard::vip
