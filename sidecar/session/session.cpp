#include "sidecar/session/session.hpp"

#include <utility>

namespace steelyard {

SessionTable::~SessionTable() { clear(); }

void SessionTable::clear() {
    for (auto* session : std::exchange(sessions_, {})) delete session;
}

void SessionTable::add(std::unique_ptr<Session> session) {
    session->slot_ = sessions_.size();
    sessions_.push_back(session.release());
    reactor_.set_ticking(true);
}

void SessionTable::remove(Session* session) {
    sessions_[session->slot_] = sessions_.back();
    sessions_[session->slot_]->slot_ = session->slot_;
    sessions_.pop_back();
    reactor_.retire(std::unique_ptr<Retired>(session));
}

void SessionTable::sweep(TimePoint now) {
    // A session may remove itself, which moves the last one into its place: going backwards, that one was seen or is new.
    size_t budget = sessions_.size() / kRounds + 1;
    while (budget-- > 0 && !sessions_.empty()) {
        if (cursor_ == 0 || cursor_ > sessions_.size()) cursor_ = sessions_.size();
        --cursor_;
        sessions_[cursor_]->on_sweep(now);
    }
}

template <class F>
void SessionTable::for_each(F visit) {
    for (size_t i = sessions_.size(); i-- > 0;) {
        if (i < sessions_.size()) visit(*sessions_[i]);
    }
}

void SessionTable::drain() {
    for_each([](Session& s) { s.on_drain(); });
}

void SessionTable::abort() {
    for_each([](Session& s) { s.on_abort(); });
}

}  // namespace steelyard
