#pragma once
// What is wrong with a document, and where: the errors a nack carries. A Path is a chain of parents on the stack,
// turned into text ("upsert[0].endpoints[3].port") only when there is a problem to name. Problems keeps the first
// kMaxProblems and counts the rest, so that garbage cannot grow a reply.
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "common/result.hpp"

namespace steelyard::config {

constexpr size_t kMaxProblems = 16;

// Refers to its parent and to the key's text: lives on the stack, below them.
class Path {
public:
    Path() = default;
    Path(const Path& parent, std::string_view key) : parent_(&parent), key_(key) {}
    Path(const Path& parent, size_t index) : parent_(&parent), index_(index), is_index_(true) {}
    Path operator/(std::string_view key) const { return {*this, key}; }
    Path operator[](size_t index) const { return {*this, index}; }

    std::string text() const;  // "" for the document itself

private:
    void append_to(std::string& out) const;

    const Path* parent_ = nullptr;
    std::string_view key_;
    size_t index_ = 0;
    bool is_index_ = false;
};

class Problems {
public:
    void add(const Path& path, std::string problem) { add(Error{path.text(), std::move(problem)}); }
    void add(Error error);
    bool empty() const { return total_ == 0; }
    bool full() const { return errors_.size() >= kMaxProblems; }
    size_t total() const { return total_; }
    const std::vector<Error>& errors() const { return errors_; }
    // The first one, and how many more there are. Call only when there is one.
    Error first() const;

private:
    std::vector<Error> errors_;
    size_t total_ = 0;
};

// A foreign piece of text fit for an error message: cut to `most` bytes, unprintable bytes as '?'.
std::string shown(std::string_view text, size_t most = 64);

}  // namespace steelyard::config
