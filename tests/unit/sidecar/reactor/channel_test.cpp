#include "sidecar/reactor/channel.hpp"

#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>
#include <string>

#include "tests/unit/sidecar/reactor/reactor_thread.hpp"

namespace steelyard {
namespace {

// A channel on one end of a socket pair, a blocking descriptor on the other.
class ChannelTest : public ReactorThread, protected Channel::Owner {
protected:
    void SetUp() override {
        ReactorThread::SetUp();
        int pair[2];
        ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
        peer_.reset(pair[1]);
        ASSERT_EQ(::fcntl(pair[0], F_SETFL, O_NONBLOCK), 0);
        on_reactor([&] { ASSERT_TRUE(channel_.adopt(reactor_, UniqueFd(pair[0]))); });
    }
    void TearDown() override {
        on_reactor([&] { channel_.close(); });
        ReactorThread::TearDown();
    }
    void on_channel(Channel&) override { ++events_; }

    void peer_sends(std::string_view bytes) {
        ASSERT_EQ(::send(peer_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL), static_cast<ssize_t>(bytes.size()));
        settle();
    }
    // Two turns: events that are due come in the first at the latest.
    void settle() {
        on_reactor([] {});
        on_reactor([] {});
    }
    bool readable() {
        bool result = false;
        on_reactor([&] { result = channel_.readable(); });
        return result;
    }
    Channel::Status read(size_t room, std::string& bytes) {
        Channel::Io io;
        std::string into(room, '\0');
        on_reactor([&] { io = channel_.read(into); });
        bytes.assign(into, 0, io.bytes);
        return io.status;
    }

    Channel channel_{*this};
    UniqueFd peer_;
    std::atomic<int> events_{0};
};

using Status = Channel::Status;

TEST_F(ChannelTest, AsksTheKernelOnlyWhenThereIsSomethingToRead) {
    std::string bytes;
    EXPECT_EQ(read(10, bytes), Status::would_block);
    peer_sends("hello");
    EXPECT_TRUE(readable());
    EXPECT_EQ(read(10, bytes), Status::ok);
    EXPECT_EQ(bytes, "hello");
    EXPECT_FALSE(readable()) << "a short read says that nothing is left";
    peer_sends("again");
    EXPECT_EQ(read(10, bytes), Status::ok);
    EXPECT_EQ(bytes, "again");
}

TEST_F(ChannelTest, AFullReadMayHaveLeftSomething) {
    std::string bytes;
    peer_sends("hello");
    EXPECT_EQ(read(3, bytes), Status::ok);
    EXPECT_TRUE(readable());
    EXPECT_EQ(read(2, bytes), Status::ok);
    EXPECT_EQ(bytes, "lo");
    EXPECT_EQ(read(2, bytes), Status::would_block);
}

TEST_F(ChannelTest, TheEndIsReadAfterTheLastBytes) {
    std::string bytes;
    peer_sends("bye");
    peer_.reset();
    settle();
    on_reactor([&] { EXPECT_TRUE(channel_.peer_closed()); });
    EXPECT_EQ(read(10, bytes), Status::ok);
    EXPECT_EQ(bytes, "bye");
    EXPECT_EQ(read(10, bytes), Status::closed);
    EXPECT_EQ(read(10, bytes), Status::would_block);
}

TEST_F(ChannelTest, AShortWriteWaitsForRoom) {
    const std::string block(1 << 20, 'x');
    Channel::Io io;
    on_reactor([&] {
        io = channel_.write(block);
        EXPECT_EQ(io.status, Status::ok);
        EXPECT_LT(io.bytes, block.size());
        EXPECT_FALSE(channel_.writable());
        EXPECT_EQ(channel_.write(block).status, Status::would_block);
    });
    std::string sink(io.bytes, '\0');
    ASSERT_EQ(::recv(peer_.get(), sink.data(), sink.size(), MSG_WAITALL), static_cast<ssize_t>(sink.size()));
    settle();
    on_reactor([&] { EXPECT_TRUE(channel_.writable()); });
}

TEST_F(ChannelTest, WritesPartsInTheirOrder) {
    on_reactor([&] {
        const std::array<iovec, 2> parts{iovec{const_cast<char*>("head"), 4}, iovec{const_cast<char*>("body"), 4}};
        EXPECT_EQ(channel_.write(parts).bytes, 8U);
    });
    std::string got(8, '\0');
    ASSERT_EQ(::recv(peer_.get(), got.data(), 8, MSG_WAITALL), 8);
    EXPECT_EQ(got, "headbody");
}

TEST_F(ChannelTest, AWriteToABrokenPeerFails) {
    peer_.reset();
    settle();
    on_reactor([&] {
        EXPECT_EQ(channel_.write("x").status, Status::failed);
        EXPECT_TRUE(channel_.broken());
    });
}

TEST_F(ChannelTest, AnotherChannelTakesOverWithAllThatIsKnown) {
    struct Counter final : Channel::Owner {
        void on_channel(Channel&) override { ++count; }
        int count = 0;
    } owner;
    Channel other{owner};
    peer_sends("before");
    on_reactor([&] {
        other.take(reactor_, channel_);
        EXPECT_FALSE(channel_.open());
        EXPECT_TRUE(other.readable());
        std::array<char, 16> room;
        EXPECT_EQ(other.read(room).bytes, 6U);
    });
    const int before = events_;
    peer_sends("after");
    on_reactor([&] {
        EXPECT_GT(owner.count, 0);
        EXPECT_TRUE(other.readable());
        other.close();
    });
    EXPECT_EQ(events_, before);
}

TEST_F(ChannelTest, EventsOfAClosedChannelGoNowhere) {
    settle();
    const int before = events_;
    on_reactor([&] {
        channel_.close();
        channel_.on_events(1);  // as one of the same turn would come
    });
    EXPECT_EQ(events_, before);
}

}  // namespace
}  // namespace steelyard
