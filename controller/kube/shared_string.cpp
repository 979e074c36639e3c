#include "controller/kube/shared_string.hpp"

#include <atomic>
#include <cstdint>
#include <cstring>
#include <mutex>
#include <new>
#include <unordered_set>

namespace steelyard::kube {

// Header of one allocation; the text follows it.
struct SharedString::Entry {
    std::atomic<uint32_t> handles;
    uint32_t size;

    char* text() { return reinterpret_cast<char*>(this + 1); }
    std::string_view view() { return {text(), size}; }
};

namespace {

using Entry = SharedString::Entry;

struct Hash {
    using is_transparent = void;
    size_t operator()(std::string_view text) const { return std::hash<std::string_view>{}(text); }
    size_t operator()(Entry* entry) const { return (*this)(entry->view()); }
};

struct Same {
    using is_transparent = void;
    static std::string_view text(std::string_view value) { return value; }
    static std::string_view text(Entry* entry) { return entry->view(); }
    bool operator()(const auto& a, const auto& b) const { return text(a) == text(b); }
};

struct Table {
    std::mutex mutex;
    std::unordered_set<Entry*, Hash, Same> entries;
};

// Never destroyed: objects with static storage may still hold handles when the program ends.
Table& table() {
    static Table* const instance = new Table;
    return *instance;
}

Entry* make_entry(std::string_view text) {
    void* memory = ::operator new(sizeof(Entry) + text.size());
    Entry* entry = new (memory) Entry{1, static_cast<uint32_t>(text.size())};
    std::memcpy(entry->text(), text.data(), text.size());
    return entry;
}

}  // namespace

SharedString::SharedString(std::string_view text) {
    if (text.empty()) return;
    Table& shared = table();
    const std::lock_guard lock(shared.mutex);
    if (const auto found = shared.entries.find(text); found != shared.entries.end()) {
        entry_ = *found;
        entry_->handles.fetch_add(1, std::memory_order_relaxed);
        return;
    }
    entry_ = make_entry(text);
    shared.entries.insert(entry_);
}

SharedString::SharedString(const SharedString& other) noexcept : entry_(other.entry_) {
    if (entry_ != nullptr) entry_->handles.fetch_add(1, std::memory_order_relaxed);
}

SharedString::~SharedString() {
    if (entry_ == nullptr) return;
    // Only the last handle takes the lock, and it takes it before it lets go: a look-up can never find an entry without
    // handles.
    uint32_t handles = entry_->handles.load(std::memory_order_relaxed);
    while (handles > 1) {
        if (entry_->handles.compare_exchange_weak(handles, handles - 1, std::memory_order_acq_rel)) return;
    }
    Table& shared = table();
    const std::lock_guard lock(shared.mutex);
    if (entry_->handles.fetch_sub(1, std::memory_order_acq_rel) != 1) return;  // someone looked it up meanwhile
    shared.entries.erase(entry_);
    entry_->~Entry();
    ::operator delete(entry_);
}

std::string_view SharedString::view() const noexcept { return entry_ == nullptr ? std::string_view{} : entry_->view(); }

size_t SharedString::interned() {
    Table& shared = table();
    const std::lock_guard lock(shared.mutex);
    return shared.entries.size();
}

}  // namespace steelyard::kube
