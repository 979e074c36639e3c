#include "sidecar/vip/conflicts.hpp"

namespace steelyard::vip {
namespace {

constexpr std::chrono::seconds kHandover{1};
constexpr std::chrono::seconds kQuiet{1};

}  // namespace

void ConflictWatch::on_claim(const Ip& ip, const Mac& mac, Duration wait, TimePoint now) {
    if (open_ || (last_ && now < last_->second + kQuiet)) return;
    open_ = Claim{{ip, mac}, now, now + wait};
}

std::optional<TimePoint> ConflictWatch::deadline() const {
    return open_ ? std::optional(open_->decided) : std::nullopt;
}

std::optional<Conflict> ConflictWatch::due(TimePoint now) {
    if (!open_ || now < open_->decided) return std::nullopt;
    const Claim claim = *open_;
    open_.reset();
    if (other_master_ && *other_master_ >= claim.heard - kHandover) return std::nullopt;
    last_ = {claim.conflict, now};
    return claim.conflict;
}

}  // namespace steelyard::vip
