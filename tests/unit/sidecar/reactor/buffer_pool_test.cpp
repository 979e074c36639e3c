#include "sidecar/reactor/buffer_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <utility>

namespace steelyard {
namespace {

void fill(Buffer& buffer, std::string_view text) {
    std::memcpy(buffer.room().data(), text.data(), text.size());
    buffer.commit(text.size());
}

TEST(BufferPool, CountsWhatIsOut) {
    BufferPool pool;
    {
        Buffer small = pool.acquire(1);
        Buffer large = pool.acquire(BufferPool::kSmall + 1);
        EXPECT_EQ(small.capacity(), BufferPool::kSmall);
        EXPECT_EQ(large.capacity(), BufferPool::kLarge);
        EXPECT_EQ(pool.bytes_out(), BufferPool::kSmall + BufferPool::kLarge);
        large.release();
        large.release();
        EXPECT_EQ(pool.bytes_out(), BufferPool::kSmall);
    }
    EXPECT_EQ(pool.bytes_out(), 0U);
}

TEST(BufferPool, HandsTheLastOneOutFirst) {
    BufferPool pool;
    Buffer first = pool.acquire(1);
    const char* const block = first.room().data();
    first.release();
    EXPECT_EQ(pool.acquire(1).room().data(), block);
}

TEST(Buffer, ConsumesFromTheFrontAndFillsAtTheBack) {
    BufferPool pool;
    Buffer buffer = pool.acquire(1);
    fill(buffer, "hello world");
    buffer.consume(6);
    EXPECT_EQ(buffer.view(), "world");
    const size_t room = buffer.room().size();
    buffer.compact();
    EXPECT_EQ(buffer.view(), "world");
    EXPECT_EQ(buffer.room().size(), room + 6);
    buffer.truncate(3);
    EXPECT_EQ(buffer.view(), "wor");
}

TEST(Buffer, KeepsWhatItHoldsWhenItGrowsAndWhenItMoves) {
    BufferPool pool;
    Buffer buffer = pool.acquire(1);
    fill(buffer, "xhello");
    buffer.consume(1);
    pool.grow(buffer);
    EXPECT_EQ(buffer.capacity(), BufferPool::kLarge);
    EXPECT_EQ(buffer.view(), "hello");
    Buffer other = std::move(buffer);
    EXPECT_EQ(other.view(), "hello");
    EXPECT_FALSE(buffer.has_block());  // NOLINT: what a moved-from buffer is, is promised
    other = pool.acquire(1);
    EXPECT_EQ(pool.bytes_out(), BufferPool::kSmall);
}

TEST(BufferPool, KeepsOnlySoManyIdleBlocks) {
    BufferPool pool;
    std::vector<Buffer> many;
    for (size_t i = 0; i < BufferPool::kKeep + 10; ++i) many.push_back(pool.acquire(1));
    many.clear();
    EXPECT_EQ(pool.bytes_out(), 0U);
}

TEST(BufferPool, HandsOutOnlySoManyBulkBlocks) {
    BufferPool pool;
    std::vector<Buffer> many;
    for (size_t i = 0; i < BufferPool::kBulkBlocks; ++i) {
        many.push_back(pool.acquire(BufferPool::kLarge + 1));
        ASSERT_EQ(many.back().capacity(), BufferPool::kBulk);
    }
    EXPECT_EQ(pool.acquire(BufferPool::kBulk).capacity(), BufferPool::kLarge);
    many.pop_back();
    EXPECT_EQ(pool.acquire(BufferPool::kBulk).capacity(), BufferPool::kBulk);
    many.clear();
    EXPECT_EQ(pool.bytes_out(), 0U);
}

}  // namespace
}  // namespace steelyard
