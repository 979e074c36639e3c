// Clients of 1996.
#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Http10 = WorkerTest;

TEST_F(Http10, AClientWithoutKeepAliveIsClosed) {
    Backend backend(serve([](const Message& request) { return ok(request.start); }));
    use(backend);
    Socket one = client();
    const Message answer = one.request("GET / HTTP/1.0\r\n\r\n");
    EXPECT_EQ(answer.body, "GET / HTTP/1.1");
    EXPECT_EQ(answer.field("connection"), "close");
    EXPECT_EQ(one.wait_end(), Socket::End::fin);
}

TEST_F(Http10, AClientWithKeepAliveStaysAndIsToldSo) {
    Backend backend(serve([](const Message& request) { return ok(request.field("host")); }));
    use(backend);
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const Message answer = one.request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_EQ(answer.body, "web.shop") << "without a Host the upstream's name stands in";
        EXPECT_EQ(answer.field("connection"), "keep-alive");
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Http10, AChunkedAnswerIsTakenApart) {
    const std::string data = pattern(200'000);
    Backend backend(serve([&](const Message&) {
        std::string text = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
        for (size_t i = 0; i < data.size(); i += 1000) text += chunk(data.substr(i, 1000));
        return text + chunk("");
    }));
    use(backend);
    for (int i = 0; i < 2; ++i) {
        Socket one = client();
        const Message answer = one.request("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
        EXPECT_EQ(answer.field("transfer-encoding"), "");
        EXPECT_EQ(answer.field("connection"), "close");
        EXPECT_TRUE(answer.complete && answer.body == data);
    }
    EXPECT_EQ(backend.connections(), 1) << "the host's connection is fit for the next all the same";
}

TEST_F(Http10, WhatFollowsAChunkedAnswerThatIsTakenApartSpoilsTheConnection) {
    Backend backend([](Peer& peer) {
        while (peer.next()) {
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("data") + chunk("") +
                      ok("nobody's"));
        }
    });
    use(backend);
    for (int i = 0; i < 2; ++i) EXPECT_EQ(client().request("GET / HTTP/1.0\r\n\r\n").body, "data");
    EXPECT_EQ(backend.connections(), 2);
}

TEST_F(Http10, InterimAnswersAreKeptFromAnOldClient) {
    Backend backend(serve([](const Message&) { return "HTTP/1.1 103 Early Hints\r\n\r\n" + ok("final"); }));
    use(backend);
    EXPECT_EQ(client().request("GET / HTTP/1.0\r\n\r\n").body, "final");
}

TEST_F(Http10, AnOldBackendsAnswerIsNotKeptWaitingFor) {
    Backend backend([](Peer& peer) {
        if (peer.next()) peer.send("HTTP/1.0 200 OK\r\nContent-Length: 3\r\n\r\nold");
    });
    use(backend);
    Socket one = client();
    for (int i = 0; i < 2; ++i) {
        const Message answer = one.request(kGet);
        EXPECT_EQ(answer.start, "HTTP/1.1 200 OK");
        EXPECT_EQ(answer.body, "old");
    }
    EXPECT_EQ(backend.connections(), 2);
}

}  // namespace
}  // namespace steelyard::test
