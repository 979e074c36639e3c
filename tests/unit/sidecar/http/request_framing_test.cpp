// The shapes of request smuggling: each must be refused, or read in the one way that every other parser reads it.
#include <gtest/gtest.h>

#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

TEST(RequestFraming, IsReadFromOneFieldThatIsWellFormed) {
    const struct {
        std::string_view lines;
        Framing framing;
        uint64_t length;
    } cases[] = {
        {"", Framing::none, 0},
        {"Content-Length: 0\r\n", Framing::length, 0},
        {"content-length:5\r\n", Framing::length, 5},
        {"Content-Length: \t 007 \r\n", Framing::length, 7},
        {"Content-Length: 9223372036854775807\r\n", Framing::length, 9223372036854775807U},
        {"Transfer-Encoding: chunked\r\n", Framing::chunked, 0},
        {"TRANSFER-ENCODING:\tCHUNKED \r\n", Framing::chunked, 0},
        {"X-Content-Length: 5\r\n", Framing::none, 0},
    };
    for (const auto& c : cases) {
        const auto parsed = request(post_with(c.lines));
        ASSERT_EQ(parsed->result.state, ParseState::complete) << printable(c.lines);
        EXPECT_EQ(parsed->head.framing, c.framing) << printable(c.lines);
        EXPECT_EQ(parsed->head.content_length, c.length) << printable(c.lines);
    }
}

TEST(RequestFraming, RefusesEveryContentLengthThatIsNotOnePlainNumber) {
    const std::string_view values[] = {
        "",
        "+5",
        "-1",
        "-0",
        "0x5",
        "5 5",
        " 5,5",
        "5, 5",
        "5,",
        "5;",
        "5.0",
        "1e3",
        "five",
        "\"5\"",
        "٣",
        "5\t5",
        "9223372036854775808",
        "18446744073709551621",
        "00000000000000000005",
    };
    for (const std::string_view value : values) {
        const std::string line = "Content-Length: " + std::string(value) + "\r\n";
        EXPECT_EQ(request_fault(post_with(line)), Fault::bad_content_length) << value;
    }
}

TEST(RequestFraming, RefusesASecondContentLengthEvenWhenItIsTheSame) {
    for (const std::string_view second : {"5", "6", "0"}) {
        const std::string lines = "Content-Length: 5\r\nX: y\r\ncontent-length: " + std::string(second) + "\r\n";
        EXPECT_EQ(request_fault(post_with(lines)), Fault::bad_content_length) << second;
    }
}

TEST(RequestFraming, RefusesLengthBesideCodingInEitherOrder) {
    const std::string_view shapes[] = {
        "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n",  // CL.TE
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",  // TE.CL
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n",  // TE.0
        "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n",  // CL.0
        "Content-Length: 6\r\nTransfer-Encoding: xchunked\r\n", "Content-Length: 6\r\nTransfer-Encoding: identity\r\n",
        "Content-Length: 6\r\nTransfer-Encoding:\r\n",
    };
    for (const std::string_view lines : shapes) {
        EXPECT_EQ(request_fault(post_with(lines)), Fault::length_and_encoding) << printable(lines);
    }
}

TEST(RequestFraming, RefusesEveryTransferEncodingButOneChunked) {
    const struct {
        std::string_view lines;
        Fault fault;
    } cases[] = {
        {"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: chunked, chunked\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: chunked, identity\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: chunked,\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: ,chunked\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding:\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: \"chunked\"\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: chunked;q=1\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: chunked foo\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: chun ked\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: chunked\xa0\r\n", Fault::bad_transfer_encoding},
        {"Transfer-Encoding: identity, chunked\r\n", Fault::unknown_transfer_coding},
        {"Transfer-Encoding: gzip, chunked\r\n", Fault::unknown_transfer_coding},
        {"Transfer-Encoding: identity\r\n", Fault::unknown_transfer_coding},
        {"Transfer-Encoding: xchunked\r\n", Fault::unknown_transfer_coding},
        {"Transfer-Encoding: chunke\r\n", Fault::unknown_transfer_coding},
        {"Transfer-Encoding: \x0b"
         "chunked\r\n",
         Fault::bad_header_value},
        {"Transfer-Encoding: chunked\x0c\r\n", Fault::bad_header_value},
        {"Transfer-Encoding:\r\n chunked\r\n", Fault::obsolete_fold},
        {"Transfer-Encoding: chunked\r\n , identity\r\n", Fault::obsolete_fold},
        {"Foo: bar\r\n Transfer-Encoding: chunked\r\n", Fault::obsolete_fold},
        {"Transfer-Encoding : chunked\r\n", Fault::bad_header_name},
        {"Transfer Encoding: chunked\r\n", Fault::bad_header_name},
        {"Foo: bar\nTransfer-Encoding: chunked\r\n", Fault::bare_line_feed},
    };
    for (const auto& c : cases) EXPECT_EQ(request_fault(post_with(c.lines)), c.fault) << printable(c.lines);
}

TEST(RequestFraming, KnowsNoTransferEncodingInHttp10) {
    EXPECT_EQ(request_fault("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Fault::bad_transfer_encoding);
    EXPECT_EQ(request("POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\n")->head.framing, Framing::length);
}

TEST(RequestFraming, LeavesAPipelinedSecondRequestAlone) {
    const std::string first = post_with("Content-Length: 0\r\n");
    const auto parsed = request(first + "GET /second HTTP/1.1\r\nHost: a\r\n\r\n");
    EXPECT_EQ(parsed->result.head_bytes, first.size());
    EXPECT_EQ(parsed->head.path, "/p");
    EXPECT_EQ(parsed->head.headers.size(), 2U);
}

TEST(Fault, HasANameOfItsOwnAndAStatus) {
    const struct {
        Fault fault;
        uint16_t status;
    } cases[] = {
        {Fault::bad_request_line, 400}, {Fault::length_and_encoding, 400},     {Fault::bad_transfer_encoding, 400},
        {Fault::bad_chunk, 400},        {Fault::unknown_transfer_coding, 501}, {Fault::bad_version, 505},
        {Fault::bad_connect, 405},      {Fault::trailer_too_large, 431}};
    for (const auto& c : cases) EXPECT_EQ(status_for(c.fault), c.status) << to_string(c.fault);
    std::string names = ",";
    for (int i = 0; i <= static_cast<int>(Fault::trailer_too_large); ++i) {
        const std::string name = "," + std::string(to_string(static_cast<Fault>(i))) + ",";
        EXPECT_EQ(names.find(name), std::string::npos) << name;
        EXPECT_NE(name, ",unknown,");
        names += name.substr(1);
    }
}

}  // namespace
}  // namespace steelyard::http
