#pragma once
// A thread's own table of file descriptors, and the way a descriptor takes from one table to another.
//
// The kernel counts each use of a descriptor, atomically and in both directions, when threads share the table that it is in; in a table
// of one thread it does not. That is a fifth of a microsecond of each proxied request. (docs/adr/0011-descriptor-tables.md)
#include <span>

#include "common/result.hpp"
#include "sidecar/reactor/fd.hpp"

namespace steelyard {

// The calling thread has a table of its own from now on, with `keep` and the standard streams in it and nothing else: what other threads
// open does not appear in it, and its numbers mean nothing to them. False, and nothing has changed, where the kernel cannot do it
// (before Linux 5.9), and under ThreadSanitizer, which takes equal numbers for one descriptor.
bool own_descriptor_table(std::span<const int> keep);

// Carries descriptors from any one thread to the one that takes them, in order, whatever table each is in.
class DescriptorMailbox {
public:
    DescriptorMailbox();  // throws std::system_error when the process is out of descriptors

    // Ours is closed. Waits while very many are under way. False: the process is out of memory or over its limits.
    bool send(UniqueFd descriptor);
    // The next one that was sent; empty when none was, or when this thread's table is full.
    UniqueFd receive();
    // For own_descriptor_table() of the thread that receives.
    int receiving_end() const { return receiving_.get(); }

private:
    UniqueFd sending_;
    UniqueFd receiving_;
};

}  // namespace steelyard
