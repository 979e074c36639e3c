#include "sidecar/proxy_protocol/header.hpp"

#include <gtest/gtest.h>

#include <array>
#include <string>

namespace steelyard::proxy_protocol {
namespace {

using namespace std::string_literals;
using State = Parsed::State;

const std::string kSignature = "\r\n\r\n\0\r\nQUIT\n"s;

std::string v2(uint8_t command, uint8_t family, const std::string& rest) {
    std::string text = kSignature;
    text += static_cast<char>(command);
    text += static_cast<char>(family);
    text += static_cast<char>(rest.size() >> 8);
    text += static_cast<char>(rest.size() & 0xff);
    return text + rest;
}

const std::string kFour = "\x0a\x01\x02\x03\x0a\x60\x00\x01\x30\x39\x01\xbb"s;

std::string written(config::ProxyProtocol version, const std::string& from, const std::string& to) {
    std::array<char, kMaxWritten> out;
    return {out.data(), write(version, *SocketAddress::parse(from, 12345), *SocketAddress::parse(to, 443), out)};
}

std::string source(const std::string& text) {
    const Parsed parsed = parse(text);
    if (parsed.state != State::done) return parsed.state == State::refused ? to_string(parsed.fault) : "incomplete";
    return parsed.source ? parsed.source->to_string() : "peer";
}

TEST(ProxyProtocol, TheLineOfVersionOneIsWhatTheDocumentSays) {
    using enum config::ProxyProtocol;
    EXPECT_EQ(written(v1, "10.1.2.3", "10.96.0.1"), "PROXY TCP4 10.1.2.3 10.96.0.1 12345 443\r\n");
    EXPECT_EQ(written(v1, "fd00::1", "fd00::2"), "PROXY TCP6 fd00::1 fd00::2 12345 443\r\n");
    EXPECT_EQ(written(v1, "::ffff:10.1.2.3", "10.96.0.1"), "PROXY TCP4 10.1.2.3 10.96.0.1 12345 443\r\n");
    EXPECT_EQ(written(v1, "10.1.2.3", "fd00::2"), "PROXY TCP6 ::ffff:10.1.2.3 fd00::2 12345 443\r\n");
    EXPECT_EQ(written(v2, "10.1.2.3", "10.96.0.1"), proxy_protocol::v2(0x21, 0x11, kFour));
}

TEST(ProxyProtocol, WhatIsWrittenIsReadAgain) {
    for (const auto version : {config::ProxyProtocol::v1, config::ProxyProtocol::v2}) {
        for (const std::string ip :
             {"10.1.2.3", "fd00::1", "255.255.255.255", "2001:db8:1111:2222:3333:4444:5555:6666"}) {
            const std::string text = written(version, ip, ip) + "GET / HTTP/1.1\r\n";
            const Parsed parsed = parse(text);
            ASSERT_EQ(parsed.state, State::done);
            EXPECT_EQ(parsed.source->to_string(), host_id(ip, 12345));
            EXPECT_EQ(parsed.destination->to_string(), host_id(ip, 443));
            EXPECT_EQ(text.substr(parsed.bytes), "GET / HTTP/1.1\r\n");
            for (size_t n = 0; n < parsed.bytes; ++n) {
                EXPECT_EQ(parse(text.substr(0, n)).state, State::incomplete) << n << " bytes of it";
            }
        }
        EXPECT_EQ(source(std::string(local_header(version))), "peer");
    }
    EXPECT_EQ(local_header(config::ProxyProtocol::none), "");
}

TEST(ProxyProtocol, LinesThatAreTaken) {
    EXPECT_EQ(source("PROXY UNKNOWN\r\n"), "peer");
    EXPECT_EQ(source("PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n"), "peer");
    EXPECT_EQ(source("PROXY TCP4 1.2.3.4 5.6.7.8 0 65535\r\n"), "1.2.3.4:0");
}

TEST(ProxyProtocol, LinesThatAreRefused) {
    for (const std::string text : {"PROXY TCP4 1.2.3.4 5.6.7.8 1 65536\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 01 2\r\n",
                                   "PROXY TCP4 1.2.3.4 5.6.7.8 1 2 \r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n",
                                   "PROXY TCP4  1.2.3.4 5.6.7.8 1 2\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 -2\r\n",
                                   "PROXY TCP4 1.2.3 5.6.7.8 1 2\r\n", "PROXY TCP4 fd00::1 fd00::2 1 2\r\n",
                                   "PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY tcp4 1.2.3.4 5.6.7.8 1 2\r\n",
                                   "PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n", "PROXY UNKNOWNX\r\n", "PROXY \r\n",
                                   "PROXY TCP4\r\n", "PROXY TCP4 1.2.3.4 5.6.7.8 1 2\n\r\n"}) {
        EXPECT_EQ(source(text), "bad_v1") << text;
    }
    EXPECT_EQ(source("PROXY TCP4 1.2.3.4\0 5.6.7.8 1 2\r\n"s), "bad_v1");
    EXPECT_EQ(source("PROXY UNKNOWN " + std::string(91, 'x') + "\r\n"), "peer") << "107 bytes";
    EXPECT_EQ(source("PROXY UNKNOWN " + std::string(92, 'x') + "\r\n"), "bad_v1") << "108 bytes";
    EXPECT_EQ(source("PROXY UNKNOWN " + std::string(93, 'x')), "bad_v1") << "no end in sight";
    for (const std::string text :
         {"GET / HTTP/1.1\r\n\r\n", "P ", "PROXX", "proxy ", "\r\n\r\nX", "\n", "\r\n\r\n\r"}) {
        EXPECT_EQ(source(text), "no_header") << text;
    }
}

TEST(ProxyProtocol, BinaryHeadersThatAreTaken) {
    EXPECT_EQ(source(v2(0x21, 0x11, kFour)), "10.1.2.3:12345");
    EXPECT_EQ(source(v2(0x20, 0x11, kFour)), "peer") << "LOCAL: its addresses are passed over";
    EXPECT_EQ(source(v2(0x20, 0x11, "")), "peer");
    EXPECT_EQ(source(v2(0x20, 0x55, "what")), "peer");
    EXPECT_EQ(source(v2(0x21, 0x00, "anything")), "peer");
    EXPECT_EQ(source(v2(0x21, 0x31, std::string(216, '/'))), "peer");
    EXPECT_EQ(source(v2(0x21, 0x11,
                        kFour +
                            "\x04\0\x03"s
                            "abc" +
                            "\xea\0\0"s)),
              "10.1.2.3:12345");
    EXPECT_EQ(source(v2(0x21, 0x11, kFour + "\x04"s + "\x0f\xe1"s + std::string(0x0fe1 - 0, 'x'))), "10.1.2.3:12345")
        << "4096 bytes";
}

TEST(ProxyProtocol, BinaryHeadersThatAreRefused) {
    EXPECT_EQ(source(v2(0x11, 0x11, kFour)), "bad_v2") << "another version";
    EXPECT_EQ(source(v2(0x22, 0x11, kFour)), "bad_v2") << "another command";
    EXPECT_EQ(source(v2(0x21, 0x12, kFour)), "bad_v2") << "datagrams over a stream";
    EXPECT_EQ(source(v2(0x21, 0x41, kFour)), "bad_v2");
    EXPECT_EQ(source(v2(0x21, 0x11, kFour.substr(1))), "bad_v2") << "too short for its addresses";
    EXPECT_EQ(source(v2(0x21, 0x21, kFour)), "bad_v2");
    EXPECT_EQ(source(v2(0x21, 0x11, kFour + "\x04"s)), "bad_v2") << "half an addition";
    EXPECT_EQ(source(v2(0x21, 0x11,
                        kFour + "\x04\0\x04"s
                                "abc")),
              "bad_v2")
        << "an addition beyond the end";
    EXPECT_EQ(source(kSignature + "\x21\x11\x0f\xf1"s), "bad_v2") << "4097 bytes, of which not one more is waited for";
}

TEST(ProxyProtocol, AChecksumHasToBeRight) {
    EXPECT_EQ(crc32c("123456789"), 0xe3069283U);
    EXPECT_EQ(crc32c("6789", crc32c("12345")), 0xe3069283U);
    std::string text = v2(0x21, 0x11, kFour + "\x03\0\x04\0\0\0\0"s + "\x04\0\x01z"s);
    const uint32_t crc = crc32c(text);
    for (size_t i = 0; i < 4; ++i) text[31 + i] = static_cast<char>(crc >> (24 - 8 * i));
    EXPECT_EQ(source(text), "10.1.2.3:12345");
    text[17] = '\x07';
    EXPECT_EQ(source(text), "checksum");
    EXPECT_EQ(source(v2(0x21, 0x11, kFour + "\x03\0\x03\0\0\0"s)), "bad_v2");
}

}  // namespace
}  // namespace steelyard::proxy_protocol
