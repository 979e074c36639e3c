#include "sidecar/session/session.hpp"

#include <utility>

namespace steelyard {

SessionTable::~SessionTable() { clear(); }

void SessionTable::clear() {
    hurried_.clear();
    for (auto* session : std::exchange(sessions_, {})) delete session;
}

void SessionTable::add(std::unique_ptr<Session> session) {
    session->slot_ = sessions_.size();
    sessions_.push_back(session.release());
    reactor_.set_ticking(true);
}

void SessionTable::remove(Session* session) {
    calm(*session);
    sessions_[session->slot_] = sessions_.back();
    sessions_[session->slot_]->slot_ = session->slot_;
    sessions_.pop_back();
    reactor_.retire(std::unique_ptr<Retired>(session));
}

void SessionTable::hurry(Session& session) {
    if (session.hurried_slot_ != Session::kNowhere) return;
    session.hurried_slot_ = hurried_.size();
    hurried_.push_back(&session);
}

void SessionTable::calm(Session& session) {
    const size_t slot = std::exchange(session.hurried_slot_, Session::kNowhere);
    if (slot == Session::kNowhere) return;
    if (Session* last = hurried_.back(); last != &session) {
        hurried_[slot] = last;
        last->hurried_slot_ = slot;
    }
    hurried_.pop_back();
}

// Going backwards, as below. A session that removes itself lives until the reactor's turn is over.
void SessionTable::sweep_hurried(TimePoint now) {
    for (size_t i = hurried_.size(); i-- > 0;) {
        if (i >= hurried_.size()) continue;
        Session& session = *hurried_[i];
        if (session.in_a_hurry()) session.on_sweep(now);
        if (!session.in_a_hurry()) calm(session);
    }
}

void SessionTable::sweep(TimePoint now) {
    sweep_hurried(now);
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
