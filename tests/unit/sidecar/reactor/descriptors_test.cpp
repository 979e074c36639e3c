#include "sidecar/reactor/descriptors.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <array>
#include <thread>

namespace steelyard {
namespace {

UniqueFd event_of(uint64_t value) { return UniqueFd(eventfd(static_cast<unsigned>(value), EFD_CLOEXEC)); }

uint64_t value_of(const UniqueFd& event) {
    uint64_t value = 0;
    return read(event.get(), &value, sizeof(value)) == sizeof(value) ? value : 0;
}

bool is_open(int fd) { return fcntl(fd, F_GETFD) >= 0; }

TEST(DescriptorMailbox, CarriesDescriptorsInOrderAndClosesOurs) {
    DescriptorMailbox mailbox;
    for (uint64_t i = 1; i <= 100; ++i) {
        UniqueFd event = event_of(i);
        const int number = event.get();
        ASSERT_TRUE(mailbox.send(std::move(event)));
        EXPECT_FALSE(is_open(number));
    }
    for (uint64_t i = 1; i <= 100; ++i) {
        const UniqueFd event = mailbox.receive();
        EXPECT_EQ(value_of(event), i);
        EXPECT_EQ(fcntl(event.get(), F_GETFD), FD_CLOEXEC);
    }
    EXPECT_FALSE(mailbox.receive()) << "nothing more was sent";
}

TEST(DescriptorMailbox, SaysThatItCannotSendWhatIsNoDescriptor) {
    DescriptorMailbox mailbox;
    EXPECT_FALSE(mailbox.send(UniqueFd{}));
    EXPECT_FALSE(mailbox.receive());
}

TEST(DescriptorTable, KeepsWhatItIsToldAndTheStandardStreamsAndTouchesNobodyElses) {
    DescriptorMailbox mailbox;
    const UniqueFd kept = event_of(7);
    const UniqueFd others = event_of(8);
    bool own = false;
    bool kept_there = false;
    bool others_there = true;
    bool stderr_there = false;
    std::thread([&] {
        const std::array keep{mailbox.receiving_end(), kept.get()};
        own = own_descriptor_table(keep);
        kept_there = is_open(kept.get());
        others_there = is_open(others.get());
        stderr_there = is_open(STDERR_FILENO);
    }).join();
    if (!own) GTEST_SKIP() << "threads share their descriptors here";
    EXPECT_TRUE(kept_there);
    EXPECT_TRUE(stderr_there);
    EXPECT_FALSE(others_there);
    EXPECT_TRUE(is_open(others.get())) << "it is still ours";
}

TEST(DescriptorTable, WhatItTakesFromTheMailboxGoesWithTheThread) {
    DescriptorMailbox mailbox;
    int ends[2];
    ASSERT_EQ(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    const UniqueFd read_end(ends[0]);
    ASSERT_TRUE(mailbox.send(UniqueFd(ends[1])));
    bool own = false;
    std::thread([&] {
        const std::array keep{mailbox.receiving_end()};
        own = own_descriptor_table(keep);
        UniqueFd writing = mailbox.receive();
        EXPECT_TRUE(writing);
        if (own) writing.release();  // left to the table's end
    }).join();
    if (!own) GTEST_SKIP() << "threads share their descriptors here";
    pollfd end{read_end.get(), POLLIN, 0};
    EXPECT_EQ(poll(&end, 1, 10'000), 1) << "nobody holds the other end, soon after the thread was joined";
    EXPECT_EQ(end.revents, POLLHUP);
}

}  // namespace
}  // namespace steelyard
