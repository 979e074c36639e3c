#pragma once
// Lists of objects as the API has them, read.
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controller/kube/decode.hpp"

namespace steelyard::kube {

template <class T>
std::vector<T> items(std::string_view json, ListMeta* meta = nullptr) {
    std::vector<T> out;
    const Result<ListMeta> list = decode_list<T>(json, [&](T&& item) { out.push_back(std::move(item)); });
    EXPECT_TRUE(list) << list.error().to_string();
    if (list && meta != nullptr) *meta = *list;
    return out;
}

// One item in a list of its own.
template <class T>
T item(const std::string& json) {
    const std::vector<T> all = items<T>(R"({"metadata":{"resourceVersion":"1"},"items":[)" + json + "]}");
    EXPECT_EQ(all.size(), 1U);
    return all.empty() ? T{} : all.front();
}

}  // namespace steelyard::kube
