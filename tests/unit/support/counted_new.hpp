#pragma once
// Replaces operator new by one that counts, for tests of what allocates nothing. Not inline, as the standard wants it: to be included in
// one file of a program.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

namespace steelyard::test {

inline thread_local bool counted = false;     // whether this thread's allocations count
inline std::atomic<uint64_t> allocations{0};  // of the threads that do

[[gnu::noinline]] inline void* counted_allocate(size_t size) {
    if (counted) allocations.fetch_add(1, std::memory_order_relaxed);
    if (void* const memory = std::malloc(size)) return memory;
    throw std::bad_alloc();
}

}  // namespace steelyard::test

[[gnu::noinline]] void* operator new(size_t size) { return steelyard::test::counted_allocate(size); }
[[gnu::noinline]] void* operator new[](size_t size) { return steelyard::test::counted_allocate(size); }
[[gnu::noinline]] void operator delete(void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete(void* memory, size_t) noexcept { std::free(memory); }
[[gnu::noinline]] void operator delete[](void* memory, size_t) noexcept { std::free(memory); }
