#include "sidecar/http/forwarding.hpp"

#include <gtest/gtest.h>

#include <string>

#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

std::string client(std::string_view lines, std::string_view trusted = "10.0.0.0/8,fd00::/8") {
    const auto parsed = request("GET / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n");
    EXPECT_EQ(parsed->result.state, ParseState::complete) << printable(lines);
    const auto networks = Networks::parse(trusted, "x");
    const auto found = client_behind(parsed->head.headers, *networks);
    return found ? std::string(IpText(*found).view()) : "peer";
}

TEST(ClientBehind, XForwardedForIsTheRightmostHopThatIsNotTrusted) {
    const struct {
        std::string_view lines;
        std::string_view client;
    } cases[] = {
        {"", "peer"},
        {"X-Forwarded-For: 1.1.1.1\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 9.9.9.9, 1.1.1.1\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 9.9.9.9, 1.1.1.1, 10.0.0.2 ,10.0.0.3\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 9.9.9.9\r\nX: y\r\nX-Forwarded-For: 1.1.1.1\r\nX-Forwarded-For: fd00::1\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 10.0.0.1, 10.0.0.2\r\n", "10.0.0.1"},
        {"X-Forwarded-For: 2001:db8::7\r\n", "2001:db8::7"},
        {"X-Forwarded-For: [2001:DB8::7]:443, 10.0.0.2:80\r\n", "2001:db8::7"},
        {"X-Forwarded-For: ::ffff:1.1.1.1\r\n", "1.1.1.1"},
        // What is no address ends the search: the hop behind it is the answer.
        {"X-Forwarded-For: 1.1.1.1, unknown, 10.0.0.2\r\n", "10.0.0.2"},
        {"X-Forwarded-For: 1.1.1.1, , 10.0.0.2\r\n", "1.1.1.1"},
        {"X-Forwarded-For: 1.1.1.1, 10.0.0.2, evil\r\n", "peer"},
        {"X-Forwarded-For: 1.1.1.1,\r\n", "1.1.1.1"},  // the list rule's empty element
        {"X-Forwarded-For: unknown\r\n", "peer"},
        {"X-Forwarded-For:\r\n", "peer"},
        {"X-Forwarded-For: 1.1.1.1\r\nForwarded: for=2.2.2.2\r\n", "1.1.1.1"},
    };
    for (const auto& c : cases) EXPECT_EQ(client(c.lines), c.client) << printable(c.lines);
}

TEST(ClientBehind, ForwardedIsReadWhereThereIsNoXForwardedFor) {
    const struct {
        std::string_view value;
        std::string_view client;
    } cases[] = {
        {"for=1.1.1.1", "1.1.1.1"},
        {"For=1.1.1.1;Proto=https;by=10.0.0.9", "1.1.1.1"},
        {"by=10.0.0.9 ;\tfor=1.1.1.1 ; ", "1.1.1.1"},
        {"for=9.9.9.9, for=1.1.1.1, for=10.0.0.2", "1.1.1.1"},
        {"for=\"[2001:db8::7]:443\", for=\"10.0.0.2:80\"", "2001:db8::7"},
        {"for=\"[2001:db8::7]\"", "2001:db8::7"},
        {"for=10.0.0.1, for=10.0.0.2", "10.0.0.1"},
        {", ,for=1.1.1.1 ,, for=10.0.0.2,", "1.1.1.1"},
        {"host=\"a,b;for=6.6.6.6\";for=1.1.1.1", "1.1.1.1"},
        {"host=\"a\\\"for=6.6.6.6,\";for=1.1.1.1", "1.1.1.1"},
        {";for=1.1.1.1;", "1.1.1.1"},
        // No address, or none at all.
        {"for=unknown, for=10.0.0.2", "10.0.0.2"},
        {"for=1.1.1.1, proto=https", "peer"},
        {"for=_secret", "peer"},
        {"for=\"1.1\\.1.1\"", "peer"},
        // Malformed: nobody knows where the hops are.
        {"for=1.1.1.1, for=\"10.0.0.2", "peer"},
        {"for=1.1.1.1 for=10.0.0.2", "peer"},
        {"for =1.1.1.1", "peer"},
        {"for= 1.1.1.1", "peer"},
        {"for=", "peer"},
        {"for", "peer"},
        {"=1.1.1.1", "peer"},
        {"for=[2001:db8::7]", "peer"},
        {"for=2001:db8::7", "peer"},
        {"for=1.1.1.1;for=2.2.2.2", "peer"},
        {"for=1.1.1.1; host=\"\\", "peer"},
        {"for=\"1.1.1.1\"x", "peer"},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(client("Forwarded: " + std::string(c.value) + "\r\n"), c.client) << c.value;
    }
    EXPECT_EQ(client("Forwarded: for=1.1.1.1\r\nX: y\r\nForwarded: for=10.0.0.2\r\n"), "1.1.1.1");
    EXPECT_EQ(client("Forwarded: for=1.1.1.1, for=\"\r\nForwarded: for=10.0.0.2\r\n"), "10.0.0.2");
}

TEST(ClientBehind, LooksAtABoundedNumberOfHops) {
    std::string list = "1.1.1.1";
    std::string elements = "for=1.1.1.1";
    for (size_t i = 1; i < kMostHops; ++i) {
        list += ", 10.0.0." + std::to_string(i);
        elements += ", for=10.0.0." + std::to_string(i);
    }
    EXPECT_EQ(client("X-Forwarded-For: " + list + "\r\n"), "1.1.1.1");
    EXPECT_EQ(client("Forwarded: " + elements + "\r\n"), "1.1.1.1");
    EXPECT_EQ(client("X-Forwarded-For: " + list + ", 10.9.9.9\r\n"), "10.0.0.1") << "the last 32 are all trusted";
    EXPECT_EQ(client("Forwarded: " + elements + ", for=10.9.9.9\r\n"), "10.0.0.1");
}

TEST(ClientBehind, BelievesNobodyWithoutTrustedNetworks) {
    EXPECT_EQ(client("X-Forwarded-For: 9.9.9.9, 1.1.1.1\r\n", ""), "1.1.1.1") << "asked only for a trusted peer";
}

}  // namespace
}  // namespace steelyard::http
