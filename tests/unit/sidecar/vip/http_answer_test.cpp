#include "sidecar/vip/http_answer.hpp"

#include <gtest/gtest.h>

#include <random>
#include <string>

namespace steelyard::vip {
namespace {

TEST(ReadAnswer, KnowsWhereAnAnswerEndsWhenItSaysSo) {
    const std::string text = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\ncontent-LENGTH: 6\r\n\r\nready\n";
    for (size_t size = 0; size < text.size(); ++size) {
        HttpAnswer answer;
        EXPECT_EQ(read_answer(std::string_view(text).substr(0, size), answer), Reading::more) << size;
    }
    HttpAnswer answer;
    EXPECT_EQ(read_answer(text, answer), Reading::done);
    EXPECT_EQ(answer.status, 200U);
    EXPECT_EQ(answer.size, text.size());
    EXPECT_TRUE(answer.keeps);
}

TEST(ReadAnswer, TellsTheStatusAtOnceWhenTheConnectionIsNotKept) {
    for (const char* text : {
             "HTTP/1.1 503 Service Unavailable\r\n\r\n",
             "HTTP/1.1 503 Service Unavailable\r\nTransfer-Encoding: chunked\r\n\r\n",
             "HTTP/1.1 503 X\r\nContent-Length: 2\r\nConnection: Close\r\n\r\n",
             "HTTP/1.0 503 X\r\nContent-Length: 0\r\n\r\n",
             "HTTP/1.1 503 X\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\n",
             "HTTP/1.1 503 X\r\nContent-Length: 99999999999999999999\r\n\r\n",
             "HTTP/1.1 503 X\r\nno colon\r\n\r\n",
             "HTTP/1.1 503\r\n\r\n",
         }) {
        HttpAnswer answer;
        EXPECT_EQ(read_answer(text, answer), Reading::done) << text;
        EXPECT_EQ(answer.status, 503U) << text;
        EXPECT_FALSE(answer.keeps) << text;
    }
}

TEST(ReadAnswer, TakesNothingElseForHttp) {
    for (const char* text : {"SSH-2.0-x\r\n\r\n", "HTTP/2 200 OK\r\n\r\n", "HTTP/1.1 2x0 OK\r\n\r\n",
                             "HTTP/1.1 999 OK\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "\r\n\r\n"}) {
        HttpAnswer answer;
        EXPECT_EQ(read_answer(text, answer), Reading::broken) << text;
    }
    HttpAnswer answer;
    EXPECT_EQ(read_answer(std::string(10'000, 'x'), answer), Reading::broken) << "a head without an end";
}

TEST(ReadAnswer, BearsAnything) {
    std::mt19937 random(7);
    const std::string right = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\nConnection: close\r\n\r\nready\n";
    for (int i = 0; i < 20'000; ++i) {
        std::string text = right;
        for (int n = 0; n < 3; ++n) text[random() % text.size()] = static_cast<char>(random());
        HttpAnswer answer;
        const bool done = read_answer(text, answer) == Reading::done;
        EXPECT_TRUE(!done || (answer.status >= 200 && answer.status < 600));
    }
}

}  // namespace
}  // namespace steelyard::vip
