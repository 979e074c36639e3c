// Bodies in both directions, of all framings and sizes.
#include <sys/socket.h>

#include <thread>

#include "tests/unit/sidecar/exchange/worker_test.hpp"

namespace steelyard::test {
namespace {

using Body = WorkerTest;

constexpr std::string_view kChunkedPost = "POST / HTTP/1.1\r\nHost: web\r\nTransfer-Encoding: chunked\r\n\r\n";

std::string in_chunks(std::string_view data, size_t size) {
    std::string text;
    for (; data.size() > size; data.remove_prefix(size)) text += chunk(data.substr(0, size));
    return text + chunk(data) + chunk("");
}

TEST_F(Body, AChunkedAnswerArrivesAsItWasSentAndTheConnectionsStay) {
    Backend backend(serve([](const Message&) {
        return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("one ") + chunk("two ") +
               chunk("three") + chunk("");
    }));
    use(backend);
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const Message answer = one.request(kGet);
        EXPECT_EQ(answer.field("transfer-encoding"), "chunked");
        EXPECT_EQ(answer.body, "one two three");
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Body, AChunkIsPassedOnBeforeTheNextIsThere) {
    Backend backend([](Peer& peer) {
        while (peer.next()) {
            peer.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunk("first"));
            if (peer.read_until("go on\r\n").empty()) return;
            peer.send(chunk("second") + chunk(""));
        }
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(kChunkedPost));
    ASSERT_TRUE(one.send(chunk("")));
    EXPECT_NE(one.read_until("first\r\n"), "");
    EXPECT_EQ(counters().active_connections.get(), 1U);
    one.close();  // the backend waits for what this client never sends
}

TEST_F(Body, AChunkedRequestIsUnderstoodWholeOrByteByByte) {
    Backend backend(serve([](const Message& request) { return ok(request.body); }));
    use(backend);
    Socket one = client();
    const std::string request = std::string(kChunkedPost) + chunk("hello ") + chunk("world") + chunk("");
    EXPECT_EQ(one.request(request).body, "hello world");
    for (const char c : request) ASSERT_TRUE(one.send({&c, 1}));
    EXPECT_EQ(one.read_response().body, "hello world");
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Body, ALengthFramedRequestIsUnderstoodByteByByte) {
    Backend backend(serve([](const Message& request) { return ok(request.body); }));
    use(backend);
    Socket one = client();
    for (const char c : with_length("POST", "hello")) ASSERT_TRUE(one.send({&c, 1}));
    EXPECT_EQ(one.read_response().body, "hello");
}

TEST_F(Body, AMegabyteInChunksTravelsBothWaysUnharmed) {
    Backend backend(serve([](const Message& request) {
        return "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + in_chunks(request.body, 7001);
    }));
    use(backend);
    const std::string data = pattern(1'000'000);
    Socket one = client();
    for (int i = 0; i < 2; ++i) {
        std::thread sender([&] { one.send(std::string(kChunkedPost) + in_chunks(data, 4093)); });
        sender.join();
        EXPECT_TRUE(one.read_response().body == data);
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Body, FiveMegabytesWithALengthTravelBothWaysUnharmed) {
    Backend backend(serve([](const Message& request) { return ok(request.body); }));
    use(backend);
    const std::string data = pattern(5'000'000);
    Socket one = client();
    for (int i = 0; i < 2; ++i) EXPECT_TRUE(one.request(with_length("PUT", data)).body == data);
    EXPECT_EQ(backend.connections(), 1);
    EXPECT_GT(counters().bytes_to_upstream.get(), 10'000'000U);
    EXPECT_GT(counters().bytes_to_client.get(), 10'000'000U);
}

TEST_F(Body, ABodyRightBehindItsHeadAndTheNextRequestRightBehindTheBodyAreToldApart) {
    Backend backend(serve([](const Message& request) { return ok(request.start + "|" + request.body); }));
    use(backend);
    const std::string data = pattern(50'000);
    Socket one = client();
    ASSERT_TRUE(one.send(with_length("PUT", data) + std::string(kGet)));
    EXPECT_TRUE(one.read_response().body == "PUT / HTTP/1.1|" + data);
    EXPECT_EQ(one.read_response().body, "GET / HTTP/1.1|");
}

TEST_F(Body, AClientThatReadsSlowlyHoldsBackTheHostAndNotTheProxysMemory) {
    const std::string data = pattern(20'000'000);
    std::atomic<bool> sent{false};
    Backend backend([&](Peer& peer) {
        while (peer.next()) {
            peer.send(ok(data));
            sent = true;
        }
    });
    use(backend);
    Socket one = client(4096);
    ASSERT_TRUE(one.send(kGet));
    EXPECT_NE(one.read_until("\r\n\r\n"), "");
    // Everything between is full when the counter stands still.
    uint64_t before = 0;
    ASSERT_TRUE(eventually([&] {
        const uint64_t now = counters().bytes_to_client.get();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return std::exchange(before, now) == now;
    }));
    EXPECT_FALSE(sent);
    EXPECT_LE(buffer_bytes(), BufferPool::kBulk + 2 * BufferPool::kSmall);
    const int wide = 1 << 20;
    setsockopt(one.fd(), SOL_SOCKET, SO_RCVBUF, &wide, sizeof(wide));
    EXPECT_TRUE(one.read(data.size()) == data);
}

TEST_F(Body, AHostThatReadsSlowlyHoldsBackTheClientAndNotTheProxysMemory) {
    std::atomic<bool> go_on{false};
    Backend backend([&](Peer& peer) {
        EXPECT_TRUE(eventually([&] { return go_on.load(); }));
        const Message request = peer.next();
        peer.send(ok(std::to_string(std::hash<std::string>()(request.body))));
    });
    use(backend);
    const std::string data = pattern(20'000'000);
    Socket one = client();
    std::atomic<bool> sent{false};
    std::thread sender([&] {
        one.send(with_length("PUT", data));
        sent = true;
    });
    uint64_t before = 0;
    EXPECT_TRUE(eventually([&] {
        const uint64_t now = counters().bytes_to_upstream.get();
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
        return now != 0 && std::exchange(before, now) == now;
    }));
    EXPECT_FALSE(sent);
    EXPECT_LE(buffer_bytes(), BufferPool::kBulk + 2 * BufferPool::kSmall);
    go_on = true;
    sender.join();
    EXPECT_EQ(one.read_response().body, std::to_string(std::hash<std::string>()(data)));
}

TEST_F(Body, AnUploadIsReadInLargePieces) {
    Backend backend(serve([](const Message& request) { return ok(std::to_string(request.body.size())); }));
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send("PUT / HTTP/1.1\r\nHost: web\r\nContent-Length: 20000\r\n\r\nsome"));
    ASSERT_TRUE(eventually([&] { return backend.connections() == 1 && counters().bytes_to_upstream.get() > 0; }));
    EXPECT_EQ(one.request(std::string(19'996, 'x')).body, "20000");
}

TEST_F(Body, AContinueIsPassedOnBeforeTheClientSendsItsBody) {
    Backend backend([](Peer& peer) {
        while (true) {
            const std::string head = peer.read_until("\r\n\r\n");
            if (head.empty()) return;
            EXPECT_NE(head.find("Expect: 100-continue\r\n"), std::string::npos);
            peer.send("HTTP/1.1 100 Continue\r\n\r\n");
            peer.send(ok(peer.read(5)));
        }
    });
    use(backend);
    Socket one = client();
    for (int i = 0; i < 3; ++i) {
        const std::string request = with_length("POST", "hello", "Expect: 100-continue\r\n");
        EXPECT_EQ(one.request(request.substr(0, request.size() - 5)).status(), 100);
        EXPECT_EQ(one.request("hello").body, "hello");
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Body, AContinueAndTheAnswerInOnePacketBothArrive) {
    Backend backend([](Peer& peer) {
        while (peer.next())
            peer.send("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + ok("done"));
    });
    use(backend);
    Socket one = client();
    ASSERT_TRUE(one.send(with_length("POST", "x")));
    EXPECT_EQ(one.read_response().status(), 100);
    EXPECT_EQ(one.read_response().status(), 103);
    EXPECT_EQ(one.read_response().body, "done");
}

TEST_F(Body, AHundredInterimAnswersArriveAndOneMoreIsAnEndlessOne) {
    std::string interims;
    for (int i = 0; i < 100; ++i) interims += "HTTP/1.1 102 Processing\r\n\r\n";
    Backend backend([&](Peer& peer) {
        peer.next();
        peer.send(interims + ok("done"));
        peer.next();
        peer.send(interims + "HTTP/1.1 102 Processing\r\n\r\n" + ok("never"));
        peer.read_to_end();
    });
    use(backend);
    Socket one = client();
    for (const char* const end : {"200", "502"}) {
        ASSERT_TRUE(one.send(kGet));
        for (int i = 0; i < 100; ++i) ASSERT_EQ(one.read_response().status(), 102) << i;
        EXPECT_EQ(std::to_string(one.read_response().status()), end);
    }
    EXPECT_EQ(backend.connections(), 1);
}

TEST_F(Body, AnInterimAnswerThatClaimsABodySpoilsItsConnection) {
    Backend backend([](Peer& peer) {
        while (peer.next()) peer.send("HTTP/1.1 103 Early Hints\r\nContent-Length: 5\r\n\r\n" + ok("done"));
    });
    use(backend);
    Socket one = client();
    for (int i = 0; i < 2; ++i) {
        ASSERT_TRUE(one.send(kGet));
        EXPECT_EQ(one.read_response().status(), 103);
        EXPECT_EQ(one.read_response().body, "done");
    }
    EXPECT_EQ(backend.connections(), 2);
}

TEST_F(Body, ARefusalWhileTheUploadGoesOnReachesTheClientAndEndsTheConnection) {
    Backend backend([](Peer& peer) {
        peer.read_until("\r\n\r\n");
        peer.send("HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig");
        peer.shutdown_write();
        peer.read(100'000);
    });
    use(backend);
    Socket one = client();
    const std::string data = pattern(5'000'000);
    std::thread sender([&] { one.send(with_length("POST", data)); });
    const Message answer = one.read_response();
    sender.join();
    EXPECT_EQ(answer.status(), 413);
    EXPECT_EQ(answer.body, "big");
    EXPECT_EQ(answer.field("connection"), "close") << "what is left of the body would be taken for a request";
    one.wait_end();
}

TEST_F(Body, ABodyThatEndsWithTheConnectionEndsSoForTheClientToo) {
    const std::string data = pattern(300'000);
    Backend backend([&](Peer& peer) {
        if (peer.next()) peer.send("HTTP/1.1 200 OK\r\n\r\n" + data);
    });
    use(backend);
    for (int i = 0; i < 2; ++i) {
        Socket one = client();
        const Message answer = one.request(kGet);
        EXPECT_EQ(answer.field("connection"), "close");
        EXPECT_TRUE(answer.complete && answer.body == data);
    }
    EXPECT_EQ(backend.connections(), 2);
}

TEST_F(Body, BytesBehindAnAnswerAreNobodysAnswer) {
    Backend backend([](Peer& peer) {
        while (peer.next()) peer.send(ok("mine") + ok("nobody's"));
    });
    use(backend);
    Socket one = client();
    for (int i = 0; i < 5; ++i) EXPECT_EQ(one.request(kGet).body, "mine");
    EXPECT_EQ(backend.connections(), 5);
    EXPECT_EQ(counters().idle_connections.get(), 0U);
}

}  // namespace
}  // namespace steelyard::test
