#pragma once
// Requests and answers from their text, for the cache's tests.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "sidecar/cache/request.hpp"
#include "sidecar/cache/stored.hpp"
#include "sidecar/http/parser.hpp"

namespace steelyard::cache {

constexpr int64_t kNow = 1'800'000'000;  // Fri, 15 Jan 2027 08:00:00 GMT

// `line`: "GET /path". `fields`: whole lines.
inline Request asked(const std::string& line, const std::string& fields = {}, std::string_view variant = {}) {
    const std::string text = line + " HTTP/1.1\r\nHost: Web.test\r\n" + fields + "\r\n";
    static http::RequestHead head;
    uint32_t scanned = 0;
    EXPECT_EQ(http::parse_request(text, scanned, {}, head).state, http::ParseState::complete) << text;
    Request request;
    request.read(head, variant);
    return request;
}

// An answer and what it is read from.
struct Answer {
    explicit Answer(const std::string& fields, const std::string& status = "200 OK",
                    const std::string& framing = "Content-Length: 4\r\n")
        : text("HTTP/1.1 " + status + "\r\n" + framing + fields + "\r\n") {
        uint32_t scanned = 0;
        EXPECT_EQ(http::parse_response(text, scanned, {}, http::Method::get, head).state, http::ParseState::complete)
            << text;
    }
    std::vector<http::Header> fields() const { return {head.headers.begin(), head.headers.end()}; }
    std::string text;
    http::ResponseHead head;
};

inline std::shared_ptr<const Stored> stored(const Request& request, const std::string& fields,
                                            const std::string& body = "body", Stored::Times times = {kNow, kNow}) {
    const Answer answer(fields);
    return std::make_shared<const Stored>(request, answer.head, answer.fields(), times,
                                          std::make_shared<const std::string>(body));
}

inline std::string value(const http::ResponseHead& head, std::string_view name) {
    std::string found;
    for (const http::Header& field : head.headers) {
        if (field.name == name) found += (found.empty() ? "" : " + ") + std::string(field.value);
    }
    return found;
}

}  // namespace steelyard::cache
