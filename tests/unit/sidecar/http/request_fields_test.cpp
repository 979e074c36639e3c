#include <gtest/gtest.h>

#include <cctype>

#include "sidecar/http/header_names.hpp"
#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

TEST(FieldLine, KeepsNamesAsReceivedAndTrimsValues) {
    const auto parsed =
        request(post_with("X-A:1\r\nx-b: \t two words \t\r\nX-Empty:\r\nX-Blank:  \t \r\nX-C: caf\xc3\xa9\tx\r\n"));
    ASSERT_EQ(parsed->result.state, ParseState::complete);
    const struct {
        std::string_view name;
        std::string_view value;
    } expected[] = {{"Host", "shop.test"}, {"X-A", "1"},    {"x-b", "two words"},
                    {"X-Empty", ""},       {"X-Blank", ""}, {"X-C", "caf\xc3\xa9\tx"}};
    ASSERT_EQ(parsed->head.headers.size(), std::size(expected));
    for (size_t i = 0; i < std::size(expected); ++i) {
        EXPECT_EQ(parsed->head.headers[i].name, expected[i].name);
        EXPECT_EQ(parsed->head.headers[i].value, expected[i].value);
    }
}

TEST(FieldLine, IsRefusedWhenAnotherParserCouldReadItOtherwise) {
    const struct {
        std::string_view lines;
        Fault fault;
    } cases[] = {
        {"X-A : 1\r\n", Fault::bad_header_name},
        {"X-A\t: 1\r\n", Fault::bad_header_name},
        {"Content-Length : 5\r\n", Fault::bad_header_name},
        {"Transfer-Encoding : chunked\r\n", Fault::bad_header_name},
        {": 1\r\n", Fault::bad_header_name},
        {"X A: 1\r\n", Fault::bad_header_name},
        {"X-A\r\n", Fault::bad_header_name},
        {"X(A): 1\r\n", Fault::bad_header_name},
        {"X\"A: 1\r\n", Fault::bad_header_name},
        {"X\xc3\xa4: 1\r\n", Fault::bad_header_name},
        {"a-name-that-is-longer-than-one-block\x01: 1\r\n", Fault::bad_header_name},
        {" X-A: 1\r\n", Fault::obsolete_fold},
        {"X-A: 1\r\n 2\r\n", Fault::obsolete_fold},
        {"X-A: 1\r\n\t2\r\n", Fault::obsolete_fold},
        {"X-A: 1\r\n \r\n", Fault::obsolete_fold},
        {"X-A: 1\n", Fault::bare_line_feed},
        {"X-A: 1\nContent-Length: 5\r\n", Fault::bare_line_feed},
        {"X-A: 1\rContent-Length: 5\r\n", Fault::bare_line_feed},
        {"X-A: 1\r\r\n", Fault::bare_line_feed},
        {"X-A: 1\r \n", Fault::bare_line_feed},
        {"\n", Fault::bare_line_feed},
        {"\rX: 1\r\n", Fault::bare_line_feed},
    };
    for (const auto& c : cases) EXPECT_EQ(request_fault(post_with(c.lines)), c.fault) << printable(c.lines);
    using namespace std::string_view_literals;
    EXPECT_EQ(request_fault(post_with("X-A: a\0b\r\n"sv)), Fault::bad_header_value);
    EXPECT_EQ(request_fault(post_with("X\0A: ab\r\n"sv)), Fault::bad_header_name);
}

TEST(FieldLine, ValueHoldsNoControlCharacterButTheTab) {
    for (int byte = 0; byte < 256; ++byte) {
        for (const std::string_view before : {"v", "a-value-that-is-long-enough-for-blocks"}) {
            const auto c = static_cast<char>(byte);
            const std::string text = post_with("X-A: " + std::string(before) + c + "w\r\n");
            const bool fine = byte == '\t' || (byte >= 0x20 && byte != 0x7f);
            EXPECT_EQ(request(text)->result.state == ParseState::complete, fine) << byte;
        }
    }
}

TEST(FieldLine, NameHoldsTokenCharactersOnly) {
    constexpr std::string_view kOthers = "!#$%&'*+-.^_`|~";
    for (int byte = 0; byte < 256; ++byte) {
        for (const std::string_view before : {"n", "a-name-that-is-long-enough-for-blocks"}) {
            const auto c = static_cast<char>(byte);
            if (c == ':') continue;
            const bool fine = (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                              (c != 0 && kOthers.find(c) != std::string_view::npos);
            const std::string text = post_with(std::string(before) + c + "n: v\r\n");
            EXPECT_EQ(request(text)->result.state == ParseState::complete, fine) << byte;
        }
    }
}

TEST(FieldLine, IsKnownByItsNameInAnyCaseAndByNothingElse) {
    for (size_t id = 1; id < kKnownNames.size(); ++id) {
        std::string name(kKnownNames[id]);
        if (name.empty()) continue;
        EXPECT_EQ(identify(name), static_cast<HeaderId>(id)) << name;
        for (char& c : name) c = static_cast<char>(std::toupper(c));
        EXPECT_EQ(identify(name), static_cast<HeaderId>(id)) << name;
        EXPECT_EQ(identify(name + "s"), HeaderId::other);
        EXPECT_EQ(identify(name.substr(1)), HeaderId::other);
        for (size_t i = 0; i < name.size(); ++i) {
            std::string typo = name;
            typo[i] = typo[i] == '-' ? '_' : '!';
            EXPECT_EQ(identify(typo), typo[i] == '_' ? HeaderId::lookalike : HeaderId::other) << typo;
        }
    }
}

TEST(HeadLimits, AnswerWith431) {
    std::string lines;
    for (int i = 0; i < 99; ++i) lines += "X: y\r\n";  // and Host
    EXPECT_EQ(request_fault(post_with(lines)), Fault::none);
    EXPECT_EQ(request_fault(post_with(lines + "X: y\r\n")), Fault::too_many_headers);
    EXPECT_EQ(request(post_with(lines), {.max_head_bytes = 16384, .max_headers = 10})->result.fault,
              Fault::too_many_headers);
    EXPECT_EQ(request(post_with(lines + lines), {.max_head_bytes = 16384, .max_headers = 4000})->result.fault,
              Fault::too_many_headers)
        << "never more than the list holds";

    const std::string head = post_with("X: " + std::string(1000, 'y') + "\r\n");
    const auto size = static_cast<uint32_t>(head.size());
    EXPECT_EQ(request(head + "body", {.max_head_bytes = size})->result.state, ParseState::complete);
    EXPECT_EQ(request(head + "body", {.max_head_bytes = size - 1})->result.fault, Fault::head_too_large);
    EXPECT_EQ(request("GET /" + std::string(20000, 'a'))->result.fault, Fault::head_too_large);
    EXPECT_EQ(status_for(Fault::too_many_headers), 431);
    EXPECT_EQ(status_for(Fault::head_too_large), 431);
}

TEST(Connection, DecidesWhetherTheClientStays) {
    const struct {
        std::string_view version;
        std::string_view lines;
        bool keep_alive;
    } cases[] = {
        {"1.1", "", true},
        {"1.1", "Connection: close\r\n", false},
        {"1.1", "connection: CLOSE\r\n", false},
        {"1.1", "Connection: foo , close\r\n", false},
        {"1.1", "Connection: keep-alive, close\r\n", false},
        {"1.1", "Connection: keep-alive\r\nConnection: close\r\n", false},
        {"1.1", "Connection: closed\r\n", true},
        {"1.0", "", false},
        {"1.0", "Connection: keep-alive\r\n", true},
        {"1.0", "Connection: Keep-Alive, close\r\n", false},
        {"1.0", "Proxy-Connection: keep-alive\r\n", false},
    };
    for (const auto& c : cases) {
        const auto parsed =
            request("GET / HTTP/" + std::string(c.version) + "\r\nHost: a\r\n" + std::string(c.lines) + "\r\n");
        EXPECT_EQ(parsed->head.keep_alive, c.keep_alive) << c.version << " " << printable(c.lines);
    }
}

TEST(Connection, ListsAtMost32Options) {
    std::string options = "o";
    for (int i = 1; i < 32; ++i) options += ",o";
    EXPECT_EQ(request_fault(post_with("Connection: " + options + "\r\n")), Fault::none);
    EXPECT_EQ(request_fault(post_with("Connection: " + options + "\r\nConnection: o\r\n")), Fault::bad_header_value);
}

TEST(Upgrade, NeedsTheFieldTheOptionAndHttp11AndIsNeverH2c) {
    const struct {
        std::string_view version;
        std::string_view lines;
        bool upgrade;
    } cases[] = {
        {"1.1", "Connection: Upgrade\r\nUpgrade: websocket\r\n", true},
        {"1.1", "Upgrade: websocket\r\nConnection: keep-alive, upgrade\r\n", true},
        {"1.1", "Upgrade: websocket\r\n", false},
        {"1.1", "Connection: upgrade\r\n", false},
        {"1.0", "Connection: upgrade\r\nUpgrade: websocket\r\n", false},
        {"1.1", "Connection: upgrade\r\nUpgrade: h2c\r\n", false},
        {"1.1", "Connection: upgrade\r\nUpgrade: websocket, H2C\r\n", false},
    };
    for (const auto& c : cases) {
        const auto parsed =
            request("GET / HTTP/" + std::string(c.version) + "\r\nHost: a\r\n" + std::string(c.lines) + "\r\n");
        EXPECT_EQ(parsed->head.upgrade, c.upgrade) << c.version << " " << printable(c.lines);
    }
}

TEST(Expect, MattersAs100ContinueInHttp11) {
    EXPECT_TRUE(request(post_with("Expect: 100-Continue\r\n"))->head.expect_continue);
    EXPECT_FALSE(request(post_with("Expect: 100-continued\r\n"))->head.expect_continue);
    EXPECT_FALSE(request("GET / HTTP/1.0\r\nExpect: 100-continue\r\n\r\n")->head.expect_continue);
}

TEST(RequestFields, MaxForwardsOfTraceAndOptionsIsOneNumber) {
    const auto fault = [](std::string_view method, std::string_view lines) {
        return request_fault(std::string(method) + " / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n");
    };
    for (const std::string_view bad : {"Max-Forwards:\r\n", "Max-Forwards: -1\r\n", "Max-Forwards: 1, 2\r\n",
                                       "Max-Forwards: 0x1\r\n", "Max-Forwards: 1\r\nmax-forwards: 1\r\n"}) {
        EXPECT_EQ(fault("TRACE", bad), Fault::bad_header_value) << printable(bad);
        EXPECT_EQ(fault("OPTIONS", bad), Fault::bad_header_value) << printable(bad);
        EXPECT_EQ(fault("GET", bad), Fault::none) << printable(bad);
    }
    const auto hops = request("TRACE / HTTP/1.1\r\nHost: a\r\nMax-Forwards: 7\r\n\r\n");
    EXPECT_EQ(hops->head.max_forwards, 7U);
    EXPECT_EQ(request("TRACE / HTTP/1.1\r\nHost: a\r\n\r\n")->head.max_forwards, std::nullopt);
}

}  // namespace
}  // namespace steelyard::http
