#include "sidecar/http/body.hpp"

#include <gtest/gtest.h>

#include "tests/unit/sidecar/http/heads.hpp"

namespace steelyard::http {
namespace {

struct Outcome {
    size_t taken = 0;
    bool done = false;
    Fault fault = Fault::none;
    std::string data;
    bool operator==(const Outcome&) const = default;
};
void PrintTo(const Outcome& o, std::ostream* out) {
    *out << o.taken << " bytes, " << (o.done ? "done" : "open") << ", " << to_string(o.fault) << ", \"" << o.data
         << '"';
}

// Pieces of `step` bytes through the form that hands out the data.
Outcome scan(std::string_view text, size_t step) {
    ChunkedScanner scanner;
    Outcome outcome;
    while (outcome.taken < text.size()) {
        const std::string_view piece = text.substr(outcome.taken, step);
        const auto copy = exact_copy(piece);
        std::string_view data;
        const size_t taken = scanner.consume({copy.get(), piece.size()}, data);
        outcome.data += data;
        outcome.taken += taken;
        if (taken == 0) break;
    }
    outcome.done = scanner.done();
    outcome.fault = scanner.fault();
    return outcome;
}

// However it is cut, and with the plain form too.
Outcome scan(std::string_view text) {
    const Outcome whole = scan(text, text.size());
    for (size_t step = 1; step <= text.size(); ++step) EXPECT_EQ(scan(text, step), whole) << printable(text);
    ChunkedScanner plain;
    EXPECT_EQ(plain.consume(text), whole.taken) << printable(text);
    EXPECT_EQ(plain.done(), whole.done) << printable(text);
    EXPECT_EQ(plain.fault(), whole.fault) << printable(text);
    return whole;
}

TEST(Chunked, EndsAfterTheTrailerSectionAndNotAByteLater) {
    const struct {
        std::string_view body;
        std::string_view data;
    } cases[] = {
        {"0\r\n\r\n", ""},
        {"5\r\nhello\r\n0\r\n\r\n", "hello"},
        {"5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n", "hello world"},
        {"A\r\n0123456789\r\na\r\n0123456789\r\n000\r\n\r\n", "01234567890123456789"},
        {"0000000000000003\r\n\r\n\n\r\n0\r\n\r\n", "\r\n\n"},
        {"1;name=value\r\nx\r\n0;last\r\n\r\n", "x"},
        {"1;a=\"q;\\\"uo\ted\";b\r\nx\r\n0\r\n\r\n", "x"},
        {"1\r\nx\r\n0\r\nX-Checksum: 1\r\nX-Empty:\r\n\r\n", "x"},
    };
    for (const auto& c : cases) {
        const Outcome outcome = scan(std::string(c.body) + "GET /next HTTP/1.1");
        EXPECT_EQ(outcome, (Outcome{c.body.size(), true, Fault::none, std::string(c.data)})) << printable(c.body);
    }
}

TEST(Chunked, StaysOpenUntilTheEnd) {
    constexpr std::string_view kBody = "1;e\r\nx\r\n0\r\nT: u\r\n\r\n";
    for (size_t size = 0; size < kBody.size(); ++size) {
        ChunkedScanner scanner;
        EXPECT_EQ(scanner.consume(kBody.substr(0, size)), size);
        EXPECT_FALSE(scanner.done());
        EXPECT_EQ(scanner.fault(), Fault::none);
    }
}

TEST(Chunked, RefusesEverySizeThatTwoParsersCouldReadDifferently) {
    const struct {
        std::string_view body;
        Fault fault;
    } cases[] = {
        {"-1\r\nx", Fault::bad_chunk},
        {"+1\r\nx", Fault::bad_chunk},
        {"0x1\r\nx", Fault::bad_chunk},
        {"x1\r\nx", Fault::bad_chunk},
        {"1g\r\nx", Fault::bad_chunk},
        {"1_0\r\nx", Fault::bad_chunk},
        {" 1\r\nx", Fault::bad_chunk},
        {"\t1\r\nx", Fault::bad_chunk},
        {"1 \r\nx", Fault::bad_chunk},
        {"1 ;a\r\nx", Fault::bad_chunk},
        {"1\t\r\nx", Fault::bad_chunk},
        {"1,1\r\nx", Fault::bad_chunk},
        {"\r\nx", Fault::bad_chunk},
        {";a\r\nx", Fault::bad_chunk},
        {"00000000000000001\r\nx", Fault::bad_chunk},
        {"8000000000000000\r\nx", Fault::bad_chunk},
        {"ffffffffffffffff\r\nx", Fault::bad_chunk},
        {"10000000000000001\r\nx", Fault::bad_chunk},
        {"1\nx", Fault::bare_line_feed},
        {"1\rx", Fault::bare_line_feed},
        {"\n1\r\nx", Fault::bare_line_feed},
        {"1;a\nx", Fault::bare_line_feed},
        {"1;a\rx", Fault::bare_line_feed},
        {"1;a=\x01\r\nx", Fault::bad_chunk},
        {"1;a=\"b\r\nx", Fault::bad_chunk},  // an open quote could hold the line's end
        {"1;a=\"b\\\r\nx", Fault::bad_chunk},
        {"1;a=\"b\n\"\r\nx", Fault::bare_line_feed},
    };
    for (const auto& c : cases) EXPECT_EQ(scan(c.body).fault, c.fault) << printable(c.body);
    EXPECT_EQ(scan("7fffffffffffffff\r\nx").fault, Fault::none);
}

TEST(Chunked, RefusesDataOfAnotherLengthThanAnnounced) {
    const std::string_view bodies[] = {"1\r\nxx\r\n", "2\r\nx\r\n0\r\n", "1\r\nx\n0\r\n\r\n", "1\r\nx\r0\r\n",
                                       "1\r\nx0\r\n\r\n"};
    for (const std::string_view body : bodies) EXPECT_EQ(scan(body).fault, Fault::bad_chunk) << printable(body);
}

TEST(Chunked, HoldsAtMost256BytesOfExtensionAChunk) {
    const std::string fits(255, 'e');
    EXPECT_EQ(scan("1;" + fits + "e\r\nx\r\n1;" + fits + "e\r\nx\r\n0\r\n\r\n").fault, Fault::none);
    EXPECT_EQ(scan("1;" + fits + "ee\r\n").fault, Fault::bad_chunk);
}

TEST(Chunked, TrailersAreWellFormedHarmlessAndBounded) {
    const struct {
        std::string_view trailer;
        Fault fault;
    } cases[] = {
        {"X-Sum: 1\r\n", Fault::none},
        {"a-name-of-more-than-nineteen-letters: 1\r\n", Fault::none},
        {"X-Sum : 1\r\n", Fault::bad_header_name},
        {": 1\r\n", Fault::bad_header_name},
        {"X-Sum\r\n", Fault::bad_header_name},
        {" X-Sum: 1\r\n", Fault::obsolete_fold},
        {"X-Sum: 1\r\n 2\r\n", Fault::obsolete_fold},
        {"X-Sum: 1\n", Fault::bare_line_feed},
        {"X-Sum: 1\rx", Fault::bare_line_feed},
        {"\n", Fault::bare_line_feed},
        {"\rx", Fault::bare_line_feed},
        {"X-Sum: \x01\r\n", Fault::bad_header_value},
        {"Content-Length: 5\r\n", Fault::bad_header_name},
        {"transfer-ENCODING: chunked\r\n", Fault::bad_header_name},
        {"Host: evil.test\r\n", Fault::bad_header_name},
        {"Proxy-Authorization: x\r\n", Fault::bad_header_name},
        {"Proxy-Authorizations: x\r\n", Fault::none},
        {"X_Forwarded_For: 1.1.1.1\r\n", Fault::bad_header_name},
        {"X_Sum: 1\r\n", Fault::none},
    };
    for (const auto& c : cases) {
        const Outcome outcome = scan("0\r\n" + std::string(c.trailer) + "\r\n");
        EXPECT_EQ(outcome.fault, c.fault) << printable(c.trailer);
        EXPECT_EQ(outcome.done, c.fault == Fault::none) << printable(c.trailer);
    }
    ChunkedScanner small(16);
    small.consume("0\r\nA: 12345678901234567890\r\n\r\n");
    EXPECT_EQ(small.fault(), Fault::trailer_too_large);
}

TEST(Chunked, ConsumesNothingAfterAFault) {
    ChunkedScanner scanner;
    EXPECT_EQ(scanner.consume("1\r\nxyz"), 4U);
    EXPECT_EQ(scanner.fault(), Fault::bad_chunk);
    EXPECT_EQ(scanner.consume("\r\n0\r\n\r\n"), 0U);
    EXPECT_FALSE(scanner.done());
}

TEST(BodyTracker, TakesWhatBelongsToTheBodyAndNoMore) {
    BodyTracker body;
    EXPECT_TRUE(body.done()) << "before any start";

    body.start(Framing::none, 9);
    EXPECT_TRUE(body.done());
    EXPECT_EQ(body.consume("next"), 0U);

    body.start(Framing::length, 0);
    EXPECT_TRUE(body.done());

    body.start(Framing::length, 6);
    EXPECT_EQ(body.consume("1234"), 4U);
    EXPECT_FALSE(body.done());
    EXPECT_EQ(body.remaining(), 2U);
    EXPECT_EQ(body.consume("56GET"), 2U);
    EXPECT_TRUE(body.done());
    EXPECT_EQ(body.consume("GET"), 0U);

    body.start(Framing::until_close, 0);
    EXPECT_EQ(body.consume("anything"), 8U);
    EXPECT_FALSE(body.done());

    body.start(Framing::chunked, 0);
    EXPECT_EQ(body.consume("1\r\nx\r\n0\r\n\r\nGET"), 11U);
    EXPECT_TRUE(body.done());
    EXPECT_EQ(body.consume("GET"), 0U);
}

TEST(BodyTracker, HandsOutBareDataOfEveryFraming) {
    const struct {
        Framing framing;
        std::string_view input;
        std::string_view data;
    } cases[] = {{Framing::chunked, "2\r\nab\r\n1\r\nc\r\n0\r\nT: u\r\n\r\n", "abc"},
                 {Framing::length, "abc", "abc"},
                 {Framing::until_close, "abc", "abc"}};
    for (const auto& c : cases) {
        BodyTracker body;
        body.start(c.framing, 3);
        std::string got;
        std::string_view rest = c.input;
        while (!rest.empty() && !body.done()) {
            std::string_view data;
            rest.remove_prefix(body.consume(rest, data));
            got += data;
        }
        EXPECT_EQ(got, c.data);
        EXPECT_EQ(rest, "");
    }
}

TEST(BodyTracker, KnowsAProperEndOfStreamFromACutBody) {
    BodyTracker body;
    body.start(Framing::length, 5);
    body.consume("abc");
    EXPECT_FALSE(body.on_end_of_stream());
    body.start(Framing::chunked, 0);
    body.consume("5\r\nabcde\r\n");
    EXPECT_FALSE(body.on_end_of_stream());
    body.start(Framing::until_close, 0);
    body.consume("abc");
    EXPECT_TRUE(body.on_end_of_stream());
    EXPECT_TRUE(body.done());
    body.start(Framing::none, 0);
    EXPECT_TRUE(body.on_end_of_stream());
}

TEST(BodyTracker, ForgetsTheFaultOfTheBodyBefore) {
    BodyTracker body;
    body.start(Framing::chunked, 0);
    body.consume("zz");
    EXPECT_EQ(body.fault(), Fault::bad_chunk);
    body.start(Framing::chunked, 0);
    EXPECT_EQ(body.fault(), Fault::none);
    EXPECT_EQ(body.consume("0\r\n\r\n"), 5U);
}

}  // namespace
}  // namespace steelyard::http
