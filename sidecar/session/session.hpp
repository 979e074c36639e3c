#pragma once
// What every client connection of a worker has in common, whatever it speaks: it is swept for deadlines, asked to leave when the
// process drains, and counted. The worker's thread owns all of it.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "common/clock.hpp"
#include "sidecar/reactor/reactor.hpp"

namespace steelyard {

class Session : public Retired {
public:
    // Looks at its deadlines; about twice a second.
    virtual void on_sweep(TimePoint now) = 0;
    // The process is going: finish what is under way, begin nothing that can be left.
    virtual void on_drain() = 0;
    // The process is gone in a moment: close at once.
    virtual void on_abort() = 0;
    // Whether on_sweep() is to come with every tick, since its deadline is short; asked only after SessionTable::hurry().
    virtual bool in_a_hurry() const { return false; }

private:
    friend class SessionTable;
    static constexpr size_t kNowhere = static_cast<size_t>(-1);
    size_t slot_ = 0;
    size_t hurried_slot_ = kNowhere;
};

// All sessions of a worker, and their owner. A session that ends calls remove(), which retires it.
class SessionTable {
public:
    explicit SessionTable(Reactor& reactor) : reactor_(reactor) {}
    ~SessionTable();
    SessionTable(const SessionTable&) = delete;
    SessionTable& operator=(const SessionTable&) = delete;

    void add(std::unique_ptr<Session> session);
    void remove(Session* session);
    // From now until it is no longer in a hurry it is swept with every call.
    void hurry(Session& session);
    size_t size() const { return sessions_.size(); }

    // Sweeps a part of the table such that each session's turn comes about every kRounds calls, and all that are in a hurry.
    static constexpr size_t kRounds = 10;
    void sweep(TimePoint now);
    void drain();
    void abort();
    // Deletes all, as they are.
    void clear();

private:
    template <class F>
    void for_each(F visit);
    void calm(Session& session);
    void sweep_hurried(TimePoint now);

    Reactor& reactor_;
    std::vector<Session*> sessions_;
    std::vector<Session*> hurried_;
    size_t cursor_ = 0;
};

}  // namespace steelyard
