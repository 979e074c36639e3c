#include <gtest/gtest.h>

#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

TEST(StatusLine, SaysVersionStatusAndReason) {
    const struct {
        std::string_view line;
        uint16_t status;
        std::string_view reason;
        uint8_t minor;
    } cases[] = {
        {"HTTP/1.1 200 OK", 200, "OK", 1},
        {"HTTP/1.0 404 Not Found", 404, "Not Found", 0},
        {"HTTP/1.1 599 ", 599, "", 1},
        {"HTTP/1.1 200", 200, "", 1},  // without the space: common, and it can be read in one way only
        {"HTTP/1.1 100 Continue", 100, "Continue", 1},
        {"HTTP/1.1 200 \xc3\xa4h, a reason of more than sixteen bytes", 200,
         "\xc3\xa4h, a reason of more than sixteen bytes", 1},
    };
    for (const auto& c : cases) {
        const std::string text = std::string(c.line) + "\r\nContent-Length: 0\r\n\r\n";
        const auto parsed = response(text);
        ASSERT_EQ(parsed->result.state, ParseState::complete) << c.line;
        EXPECT_EQ(parsed->result.head_bytes, text.size());
        EXPECT_EQ(parsed->head.status, c.status);
        EXPECT_EQ(parsed->head.reason, c.reason);
        EXPECT_EQ(parsed->head.minor_version, c.minor);
    }
}

TEST(StatusLine, IsRefusedWhenMalformed) {
    const struct {
        std::string_view line;
        Fault fault;
    } cases[] = {
        {"HTTP/1.1 99 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1 099 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1 600 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1 2000 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1  200 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1 -20 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1 20x X\r\n", Fault::bad_status_line},
        {"HTTP/1.1\t200 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1200 X\r\n", Fault::bad_status_line},
        {"HTTP/1.1 200X\r\n", Fault::bad_status_line},
        {"HTTP/1.1 200 a\x01\r\n", Fault::bad_status_line},
        {"http/1.1 200 OK\r\n", Fault::bad_status_line},
        {"ICY 200 OK\r\n", Fault::bad_status_line},
        {"\r\nHTTP/1.1 200 OK\r\n", Fault::bad_status_line},
        {"<html>\r\n", Fault::bad_status_line},
        {"HTTP/2.0 200 OK\r\n", Fault::bad_version},
        {"HTTP/0.9 200 OK\r\n", Fault::bad_version},
        {"HTTP/1.1 200 OK\n", Fault::bare_line_feed},
        {"HTTP/1.1 200\n", Fault::bare_line_feed},
        {"HTTP/1.1 200 OK\rX\r\n", Fault::bare_line_feed},
    };
    for (const auto& c : cases) EXPECT_EQ(response_fault(std::string(c.line) + "\r\n"), c.fault) << printable(c.line);
}

TEST(ResponseFraming, DependsOnStatusRequestAndFields) {
    const struct {
        std::string_view head;
        Method method;
        Framing framing;
        uint64_t length;
        bool keep_alive;
    } cases[] = {
        {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", Method::get, Framing::length, 7, true},
        {"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", Method::get, Framing::length, 0, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", Method::get, Framing::chunked, 0, true},
        {"HTTP/1.1 200 OK\r\n", Method::get, Framing::until_close, 0, false},
        {"HTTP/1.0 200 OK\r\n", Method::get, Framing::until_close, 0, false},
        {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 7\r\n", Method::get, Framing::length, 7, true},
        {"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 7\r\n", Method::get, Framing::length, 7, false},
        {"HTTP/1.1 200 OK\r\nContent-Length: 7\r\n", Method::head, Framing::none, 0, true},
        {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n", Method::head, Framing::none, 0, true},
        {"HTTP/1.1 200 OK\r\n", Method::head, Framing::none, 0, true},
        {"HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n", Method::get, Framing::none, 0, true},
        {"HTTP/1.1 204 No Content\r\n", Method::delete_, Framing::none, 0, true},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n", Method::get, Framing::none, 0, true},
        {"HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n", Method::get, Framing::none, 0, false},
        {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n", Method::get, Framing::none, 0, false},
        {"HTTP/1.1 100 Continue\r\n", Method::post, Framing::none, 0, true},
        {"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n", Method::get, Framing::none, 0, true},
        {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n", Method::get, Framing::none, 0, true},
        {"HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n", Method::get, Framing::length, 0, true},
    };
    for (const auto& c : cases) {
        const auto parsed = response(std::string(c.head) + "\r\n", c.method);
        ASSERT_EQ(parsed->result.state, ParseState::complete) << printable(c.head);
        EXPECT_EQ(parsed->head.framing, c.framing) << printable(c.head);
        EXPECT_EQ(parsed->head.content_length, c.length) << printable(c.head);
        EXPECT_EQ(parsed->head.keep_alive, c.keep_alive) << printable(c.head);
    }
}

TEST(ResponseFraming, RefusesWhatRequestsAreRefusedFor) {
    const struct {
        std::string_view lines;
        Fault fault;
    } cases[] = {
        {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", Fault::length_and_encoding},
        {"Content-Length: 5\r\nContent-Length: 5\r\n", Fault::bad_content_length},
        {"Content-Length: 5, 5\r\n", Fault::bad_content_length},
        {"Content-Length: -1\r\n", Fault::bad_content_length},
        {"Transfer-Encoding: chunked, chunked\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: gzip, chunked\r\n", Fault::unknown_transfer_coding},
        {"X : y\r\n", Fault::bad_header_name},
        {"X: y\n", Fault::bare_line_feed},
        {"X: y\r\n z\r\n", Fault::obsolete_fold},
    };
    for (const auto& c : cases) {
        EXPECT_EQ(response_fault("HTTP/1.1 200 OK\r\n" + std::string(c.lines) + "\r\n"), c.fault) << printable(c.lines);
    }
    EXPECT_EQ(response_fault("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"), Fault::bad_transfer_encoding);
    EXPECT_EQ(response("HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'y'))->result.fault, Fault::head_too_large);
}

TEST(Informational, IsEvery1xxBut101) {
    EXPECT_TRUE(response("HTTP/1.1 100 Continue\r\n\r\n")->head.informational());
    EXPECT_TRUE(response("HTTP/1.1 103 Early Hints\r\n\r\n")->head.informational());
    EXPECT_FALSE(response("HTTP/1.1 101 Switching Protocols\r\n\r\n")->head.informational());
    EXPECT_FALSE(response("HTTP/1.1 200 OK\r\n\r\n")->head.informational());
}

}  // namespace
}  // namespace steelyard::http
