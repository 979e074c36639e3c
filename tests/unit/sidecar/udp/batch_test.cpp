// Datagrams in batches, without a worker.
#include "sidecar/udp/batch.hpp"

#include "sidecar/udp/socket.hpp"
#include "tests/unit/sidecar/udp/udp_test.hpp"

namespace steelyard::test {
namespace {

TEST(DatagramBatch, TakesWhatThereIsAtMostItsSizeAndSaysWhoseItIs) {
    auto socket = open_udp_listener("127.0.0.1", 0);
    ASSERT_TRUE(socket);
    DatagramBatch batch;
    EXPECT_EQ(batch.receive(socket->get()), 0);
    Datagrams one;
    one.connect("127.0.0.1", bound_port(*socket));
    for (size_t i = 0; i < DatagramBatch::kSize + 2; ++i) ASSERT_TRUE(one.send(std::to_string(i)));
    ASSERT_EQ(batch.receive(socket->get()), static_cast<int>(DatagramBatch::kSize));
    EXPECT_EQ(batch.bytes(0), "0");
    EXPECT_EQ(batch.bytes(31), "31");
    EXPECT_EQ(batch.peer(7).port(), one.port());
    EXPECT_EQ(batch.local(7).family, AF_UNSPEC);
    EXPECT_EQ(batch.receive(socket->get()), 2);
    EXPECT_EQ(batch.receive(socket->get()), 0);
}

TEST(DatagramBatch, SendsSomeOfThemAndSaysWhereItStoppedAndWhy) {
    auto socket = open_udp_listener("::1", 0);
    ASSERT_TRUE(socket);
    Datagrams one("::1");
    one.connect("::1", bound_port(*socket));
    ASSERT_TRUE(one.send("a"));
    ASSERT_TRUE(one.send(std::string(65'527, 'b')));
    ASSERT_TRUE(one.send("c"));
    DatagramBatch batch;
    ASSERT_EQ(batch.receive(socket->get()), 3);
    Datagrams host;
    const UniqueFd to = connect_udp(*SocketAddress::parse("127.0.0.1", host.port()));
    const std::array<uint8_t, 3> all{2, 1, 0};
    const auto sent = batch.send(to.get(), all);
    EXPECT_EQ(sent.count, 1U);
    EXPECT_EQ(sent.bytes, 1U);
    EXPECT_EQ(sent.error, EMSGSIZE);
    EXPECT_EQ(host.receive(), "c");
}

TEST(DatagramBatch, SaysTheLocalAddressOnAnUnspecifiedOne) {
    for (const std::string ip : {"0.0.0.0", "::"}) {
        auto socket = open_udp_listener(ip, 0);
        ASSERT_TRUE(socket);
        Datagrams one;
        one.connect("127.0.0.9", bound_port(*socket));
        ASSERT_TRUE(one.send("x"));
        DatagramBatch batch;
        ASSERT_TRUE(eventually([&] { return batch.receive(socket->get()) == 1; }));
        const auto local = batch.local(0);
        ASSERT_EQ(local.family, ip == "::" ? AF_INET6 : AF_INET);
        const size_t last = ip == "::" ? 15 : 3;
        EXPECT_EQ(local.ip[last], 9);
        EXPECT_EQ(local.ip[last - 3], 127);
    }
}

}  // namespace
}  // namespace steelyard::test
