#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

const std::string_view kHeads[] = {
    "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "\r\nPOST /a?b HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX-Long: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n\r\n",
    "GET / HTTP/1.0\r\n\r\n",
    "GET /\n\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nX: y\n\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
    "GET / HTTP/1.1\nHost: a\n\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a\r\n folded: x\r\n\r\n",
};

// Feeds pieces of `step` bytes until a verdict.
ParseResult feed(std::string_view text, size_t step, RequestHead& head, size_t& at) {
    uint32_t scanned = 0;
    for (at = step;; at += step) {
        const size_t size = std::min(at, text.size());
        const ParseResult result = parse_request(text.substr(0, size), scanned, {}, head);
        if (result.state != ParseState::incomplete || size == text.size()) return result;
    }
}

TEST(Resume, GivesTheVerdictOfTheWholeHeadHoweverItIsCut) {
    for (const std::string_view text : kHeads) {
        const auto whole = request(text);
        for (size_t step = 1; step <= text.size(); ++step) {
            RequestHead head;
            size_t at = 0;
            const ParseResult result = feed(text, step, head, at);
            EXPECT_EQ(result.state, whole->result.state) << printable(text) << " in pieces of " << step;
            EXPECT_EQ(result.fault, whole->result.fault) << printable(text) << " in pieces of " << step;
            EXPECT_EQ(result.head_bytes, whole->result.head_bytes);
            if (result.state != ParseState::complete) continue;
            EXPECT_EQ(head.path, whole->head.path);
            EXPECT_EQ(head.headers.size(), whole->head.headers.size());
            EXPECT_EQ(head.framing, whole->head.framing);
        }
    }
}

TEST(Resume, IsIncompleteAtEveryPrefixOfAGoodHead) {
    const std::string_view text = kHeads[1];
    for (size_t size = 0; size < text.size(); ++size) {
        EXPECT_EQ(request(text.substr(0, size))->result.state, ParseState::incomplete) << size;
    }
    const std::string_view answer = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nServer: b\r\n\r\n";
    for (size_t size = 0; size < answer.size(); ++size) {
        EXPECT_EQ(response(answer.substr(0, size))->result.state, ParseState::incomplete) << size;
    }
}

TEST(Resume, RefusesABadFirstLineAsSoonAsItEnds) {
    RequestHead head;
    size_t at = 0;
    EXPECT_EQ(feed("GET /\r\nand then nothing that would end a head", 1, head, at).state, ParseState::refused);
    EXPECT_EQ(at, 7U);
}

TEST(Resume, StartsAnewAfterAVerdict) {
    const std::string text = "GET /first HTTP/1.1\r\nHost: a\r\n\r\n";
    uint32_t scanned = 0;
    RequestHead head;
    EXPECT_EQ(parse_request(std::string_view(text).substr(0, 20), scanned, {}, head).state, ParseState::incomplete);
    EXPECT_EQ(scanned, 20U);
    EXPECT_EQ(parse_request(text, scanned, {}, head).state, ParseState::complete);
    EXPECT_EQ(scanned, 0U);
}

TEST(Resume, CostsLinearTimeByteByByte) {
    // Parsing 16 KiB anew at each byte would look at 126 million.
    std::string text = "GET / HTTP/1.1\r\nHost: a\r\n";
    while (text.size() < 15900) text += "X-Field: " + std::string(400, 'v') + "\r\n";
    text += "\r\n";
    ASSERT_LT(text.size(), 16384U);
    RequestHead head;
    uint32_t scanned = 0;
    size_t looked_at = 0;
    for (size_t size = 1; size < text.size(); ++size) {
        looked_at += size - scanned;
        const auto part = parse_request(std::string_view(text).substr(0, size), scanned, {}, head);
        ASSERT_EQ(part.state, ParseState::incomplete) << size;
    }
    EXPECT_LE(looked_at, 4 * text.size()) << "what was looked at before is not looked at again";
    EXPECT_EQ(parse_request(text, scanned, {}, head).state, ParseState::complete);
}

}  // namespace
}  // namespace steelyard::http
