#include "sidecar/compress/encoder.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "sidecar/compress/encoder_pool.hpp"
#include "tests/unit/sidecar/compress/decode.hpp"

namespace steelyard::compress {
namespace {

using Mode = Encoder::Mode;

class EncoderTest : public ::testing::TestWithParam<Coding> {};

// Everything that comes out of one push, through rooms of `room` bytes.
std::string all(Encoder& encoder, std::string_view input, Mode mode, size_t room = 1000) {
    std::string out;
    std::vector<char> space(room);
    while (true) {
        const auto step = encoder.push(input, space, mode);
        EXPECT_FALSE(step.failed);
        EXPECT_LE(step.taken, input.size());
        input.remove_prefix(step.taken);
        out.append(space.data(), step.written);
        if (step.done) {
            EXPECT_TRUE(input.empty());
            return out;
        }
        if (step.failed || (step.taken == 0 && step.written == 0)) {
            ADD_FAILURE() << "stands still";
            return out;
        }
    }
}

// Lines that compress as text does.
std::string text(size_t size) {
    std::mt19937 random(7);
    std::string out;
    while (out.size() < size) out += "line " + std::to_string(random() % 5000) + " of a text that repeats itself\n";
    out.resize(size);
    return out;
}

std::string noise(size_t size) {
    std::mt19937 random(8);
    std::string out(size, 0);
    for (char& c : out) c = static_cast<char>(random());
    return out;
}

TEST_P(EncoderTest, WhatGoesInComesOutWhateverTheSizeOfThePieces) {
    const auto encoder = make_encoder(GetParam());
    for (const std::string& body : {std::string(), std::string("x"), text(1000), text(300'000), noise(100'000)}) {
        for (const size_t piece : {size_t{1} << 20U, size_t{4096}, size_t{777}}) {
            for (const size_t room : {Encoder::kMinRoom, size_t{20'000}}) {
                ASSERT_TRUE(encoder->start());
                std::string out;
                for (size_t at = 0; at < body.size(); at += piece) {
                    out += all(*encoder, std::string_view(body).substr(at, piece), Mode::more, room);
                }
                out += all(*encoder, {}, Mode::finish, room);
                ASSERT_EQ(test::decode(GetParam(), out), body) << body.size() << " in pieces of " << piece;
                if (body.size() == 300'000) {
                    EXPECT_LT(out.size(), body.size() / 4);
                }
            }
        }
    }
}

TEST_P(EncoderTest, AfterAFlushEverythingSoFarCanBeRead) {
    const auto encoder = make_encoder(GetParam());
    ASSERT_TRUE(encoder->start());
    std::string body, out;
    for (int i = 0; i < 50; ++i) {
        const std::string part = "event " + std::to_string(i) + '\n';
        body += part;
        out += all(*encoder, part, Mode::flush, Encoder::kMinRoom);
        ASSERT_EQ(test::decode(GetParam(), out, false), body);
    }
    out += all(*encoder, {}, Mode::finish);
    EXPECT_EQ(test::decode(GetParam(), out), body);
}

TEST_P(EncoderTest, AStreamThatWasLeftInTheMiddleDoesNotSpoilTheNext) {
    const auto encoder = make_encoder(GetParam());
    ASSERT_TRUE(encoder->start());
    all(*encoder, text(50'000), Mode::more);
    ASSERT_TRUE(encoder->start());
    EXPECT_EQ(test::decode(GetParam(), all(*encoder, "short", Mode::finish)), "short");
}

INSTANTIATE_TEST_SUITE_P(Codings, EncoderTest, ::testing::Values(Coding::gzip, Coding::brotli, Coding::zstd),
                         [](const auto& coding) { return std::string(config::to_string(coding.param)); });

TEST(EncoderPool, NoMoreThanItsBoundAreAtWork) {
    EncoderPool pool;
    std::vector<PooledEncoder> out;
    for (size_t i = 0; i < EncoderPool::kMaxActive; ++i) out.push_back(pool.acquire(Coding::gzip));
    EXPECT_TRUE(out.back());
    EXPECT_FALSE(pool.acquire(Coding::zstd));
    out.pop_back();
    EXPECT_TRUE(pool.acquire(Coding::zstd)) << "one went back";
    out.clear();
    EXPECT_EQ(pool.active(), 0U);
}

TEST(EncoderPool, AnEncoderThatComesBackBeginsAnew) {
    EncoderPool pool;
    for (const Coding coding : {Coding::gzip, Coding::brotli, Coding::zstd}) {
        for (int i = 0; i < 3; ++i) {
            PooledEncoder encoder = pool.acquire(coding);
            std::vector<char> room(1000);
            const auto step = encoder->push("hello", room, Mode::finish);
            EXPECT_TRUE(step.done);
            EXPECT_EQ(test::decode(coding, {room.data(), step.written}), "hello");
            EXPECT_EQ(encoder.coding(), coding);
        }
    }
    EXPECT_EQ(pool.active(), 0U);
}

}  // namespace
}  // namespace steelyard::compress
