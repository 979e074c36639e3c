#pragma once
// An immutable interned string: equal texts share one copy, a handle is one pointer (8 bytes), comparing for equality
// compares pointers. For what repeats across tens of thousands of endpoints (zones, nodes, namespaces). The text is
// freed with its last handle, so nodes that left the cluster leave nothing behind. Handles may be made, copied and
// dropped on any thread.
#include <compare>
#include <cstddef>
#include <string>
#include <string_view>

namespace steelyard::kube {

class SharedString {
public:
    SharedString() = default;             // the empty string; costs nothing
    SharedString(std::string_view text);  // NOLINT: implicit by intent. Takes a lock; equal text allocates nothing.
    SharedString(const char* text) : SharedString(std::string_view(text)) {}         // NOLINT: implicit by intent
    SharedString(const std::string& text) : SharedString(std::string_view(text)) {}  // NOLINT: implicit by intent
    SharedString(const SharedString& other) noexcept;
    SharedString(SharedString&& other) noexcept : entry_(other.entry_) { other.entry_ = nullptr; }
    SharedString& operator=(SharedString other) noexcept {
        Entry* mine = entry_;
        entry_ = other.entry_;
        other.entry_ = mine;
        return *this;
    }
    ~SharedString();

    std::string_view view() const noexcept;  // valid while a handle to this text lives
    std::string str() const { return std::string(view()); }
    bool empty() const noexcept { return entry_ == nullptr; }
    operator std::string_view() const noexcept { return view(); }  // NOLINT: implicit by intent

    friend bool operator==(const SharedString& a, const SharedString& b) noexcept { return a.entry_ == b.entry_; }
    friend std::strong_ordering operator<=>(const SharedString& a, const SharedString& b) noexcept {
        return a.entry_ == b.entry_ ? std::strong_ordering::equal : a.view() <=> b.view();
    }
    friend bool operator==(const SharedString& a, std::string_view b) noexcept { return a.view() == b; }
    friend bool operator==(const SharedString& a, const char* b) noexcept { return a.view() == b; }

    static size_t interned();  // distinct texts alive now; for tests

    struct Entry;

private:
    Entry* entry_ = nullptr;
};

}  // namespace steelyard::kube
