#include "sidecar/access_log/escape.hpp"

#include <gtest/gtest.h>

#include <string>

namespace steelyard::access_log {
namespace {

std::string escaped(std::string_view text, Style style, size_t limit = 1024) {
    std::string out(limit, '~');
    out.resize(static_cast<size_t>(append_escaped(out.data(), text, limit, style) - out.data()));
    return out;
}

TEST(AccessLogEscape, OnlyPrintableAsciiWithoutQuotesPassesUnchanged) {
    for (int i = 0; i < 256; ++i) {
        const char c = static_cast<char>(i);
        const bool plain = i >= 0x20 && i < 0x7f && c != '"' && c != '\\';
        // Alone, and in the middle of a block that is searched 16 bytes at a time.
        for (const std::string& around : {std::string(), std::string("0123456789abcdef-0123")}) {
            const std::string text = around + c + around;
            EXPECT_EQ(escaped(text, Style::text) == text, plain) << i;
            EXPECT_EQ(escaped(text, Style::json) == text, plain) << i;
        }
    }
    EXPECT_EQ(escaped("a\"b\\c\nd\x7f\xc3\xa9", Style::text), R"(a\x22b\x5cc\x0ad\x7f\xc3\xa9)");
    EXPECT_EQ(escaped("a\"b\\c\nd\x7f\xc3\xa9", Style::json), R"(a\"b\\c\u000ad\u007f\u00c3\u00a9)");
}

TEST(AccessLogEscape, WhatFitsExactlyIsNotCut) {
    EXPECT_EQ(escaped("12345678", Style::text, 8), "12345678");
    EXPECT_EQ(escaped("1234\n", Style::text, 8), "1234\\x0a");
    EXPECT_EQ(escaped("", Style::text, 8), "");
}

TEST(AccessLogEscape, ALongerOneEndsInTheMarkAndNeverWithinAnEscape) {
    EXPECT_EQ(escaped("123456789", Style::text, 8), "12345...");
    EXPECT_EQ(escaped("12345\n", Style::text, 8), "12345...");
    EXPECT_EQ(escaped("12\n45", Style::text, 8), "12\\x0a45");
    EXPECT_EQ(escaped("12\n456", Style::text, 8), "12...");
    EXPECT_EQ(escaped("\n\n\n", Style::text, 8), "\\x0a...") << "the second one fits, but not with the mark";
    for (size_t limit = 3; limit < 60; ++limit) {
        const std::string cut = escaped(std::string(30, '\n'), Style::json, limit);
        EXPECT_LE(cut.size(), limit);
        EXPECT_EQ((cut.size() - 3) % 6, 0U) << cut;
        EXPECT_TRUE(cut.ends_with("...")) << cut;
    }
}

}  // namespace
}  // namespace steelyard::access_log
