// Requests that are refused before any host sees them.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

class Refuse : public WorkerTest {
protected:
    uint64_t faults(http::Fault fault) { return worker_counters().faults[static_cast<size_t>(fault)].get(); }
};

TEST_F(Refuse, WhatIsNoHttpIsAnswered400AndCounted) {
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    const std::pair<const char*, http::Fault> cases[] = {
        {"nonsense\r\n\r\n", http::Fault::bad_request_line},
        {"GET / HTTP/1.1\r\n\r\n", http::Fault::missing_host},
        {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", http::Fault::duplicate_host},
        {"GET / HTTP/1.1\nHost: a\n\n", http::Fault::bare_line_feed},
        {"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
         http::Fault::length_and_encoding},
        {"\x16\x03\x01\x02\r\n\r\n", http::Fault::bad_request_line},
    };
    for (const auto& [text, fault] : cases) {
        Socket one = client();
        const Message answer = one.request(text);
        EXPECT_EQ(answer.status(), 400) << text;
        EXPECT_EQ(answer.field("connection"), "close");
        EXPECT_EQ(one.wait_end(), Socket::End::fin) << text;
    }
    EXPECT_EQ(faults(http::Fault::bad_request_line), 2U);
    EXPECT_EQ(faults(http::Fault::missing_host), 1U);
    EXPECT_EQ(faults(http::Fault::duplicate_host), 1U);
    EXPECT_EQ(faults(http::Fault::bare_line_feed), 1U);
    EXPECT_EQ(faults(http::Fault::length_and_encoding), 1U);
    EXPECT_EQ(backend.connections(), 0);
}

TEST_F(Refuse, AHeadThatIsTooLargeIsAnswered431) {
    Backend backend(serve([](const Message&) { return ok("x"); }));
    use(backend);
    Socket one = client();
    EXPECT_EQ(one.request("GET / HTTP/1.1\r\nHost: a\r\nX: " + std::string(40'000, 'x') + "\r\n\r\n").status(), 431);
    std::string many = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (int i = 0; i < 120; ++i) many += "X-" + std::to_string(i) + ": y\r\n";
    EXPECT_EQ(client().request(many + "\r\n").status(), 431);
    EXPECT_EQ(faults(http::Fault::head_too_large), 1U);
    EXPECT_EQ(faults(http::Fault::too_many_headers), 1U);
    EXPECT_EQ(backend.connections(), 0);
}

TEST_F(Refuse, AnAnswerOfOursReachesAClientThatIsStillSending) {
    use(std::vector<TestHost>{});
    Socket one = client();
    const std::string data(5'000'000, 'x');
    ASSERT_TRUE(one.send(with_length("POST", data))) << "the rest of the body is read, not met with a reset";
    const Message answer = one.read_response();
    EXPECT_EQ(answer.status(), 503);
    EXPECT_EQ(answer.field("connection"), "close");
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
}

TEST_F(Refuse, AMalformedChunkIsAnswered400WhereverItComes) {
    Backend backend([](Peer& peer) { peer.read_to_end(); });
    use(backend);
    constexpr std::string_view kHead = "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n";
    Socket one = client();
    EXPECT_EQ(one.request(std::string(kHead) + "zz\r\n").status(), 400);
    EXPECT_EQ(backend.connections(), 0) << "with the head";
    Socket two = client();
    ASSERT_TRUE(two.send(std::string(kHead) + chunk("abc")));
    ASSERT_TRUE(eventually([&] { return backend.connections() == 1; }));
    EXPECT_EQ(two.request("zz\r\n").status(), 400);
    EXPECT_EQ(faults(http::Fault::bad_chunk), 2U);
    EXPECT_EQ(failures(Failure::bad_request_body), 2U);
    EXPECT_TRUE(eventually([&] { return backend.open() == 0; }));
}

TEST_F(Refuse, ARefusalBehindPipelinedRequestsComesLast) {
    Backend backend(serve([](const Message& request) { return ok(request.start); }));
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send("GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\nGET\r\n\r\n"));
    EXPECT_EQ(one.read_response().body, "GET /1 HTTP/1.1");
    EXPECT_EQ(one.read_response().body, "GET /2 HTTP/1.1");
    EXPECT_EQ(one.read_response().status(), 400);
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
}

}  // namespace
}  // namespace steelyard::test
