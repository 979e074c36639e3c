#include "controller/certs/rotation.hpp"

#include <algorithm>

namespace steelyard::certs {
namespace {

using tls::CertificateInfo;
using tls::KeyPair;
using tls::Validity;

constexpr int64_t kBackdate = 300;  // for clocks that are behind ours

std::optional<CertificateInfo> read(const std::string& pem) {
    if (pem.empty()) return std::nullopt;
    auto info = tls::parse_certificate(pem, "");
    if (!info) return std::nullopt;
    return std::move(*info);
}

std::optional<CertificateInfo> read_ca(const KeyPair& pair) {
    auto info = read(pair.certificate_pem);
    if (!info || !info->is_ca || !tls::is_key_of(pair.key_pem, pair.certificate_pem)) return std::nullopt;
    return info;
}

Validity validity(int64_t now, int64_t lifetime) { return {now - std::min(kBackdate, lifetime / 20), now + lifetime}; }

int64_t two_thirds(const CertificateInfo& info) { return info.not_before + (info.not_after - info.not_before) / 3 * 2; }

// One step after another on the same material.
class Machine {
public:
    Machine(const Material& have, const RotationSettings& settings, int64_t now)
        : settings_(settings), now_(now), overlap_(std::max<int64_t>(1, settings.ca_lifetime / 10)) {
        out_.material = have;
    }

    Result<Advance> run() {
        for (const auto step : {&Machine::ensure_ca, &Machine::prepare_next, &Machine::promote_next,
                                &Machine::forget_previous, &Machine::ensure_server}) {
            if (auto taken = (this->*step)(); !taken) return taken.error();
        }
        return std::move(out_);
    }

private:
    Material& material() { return out_.material; }
    void note(std::string what) { out_.done.push_back(std::move(what)); }
    void wake_at(int64_t when) {
        if (out_.next_check == 0 || when < out_.next_check) out_.next_check = when;
    }

    Result<KeyPair> new_ca() { return tls::make_ca(settings_.ca_common_name, validity(now_, settings_.ca_lifetime)); }

    Result<void> ensure_ca() {
        const auto ca = read_ca(material().ca);
        if (ca && ca->not_after > now_) return {};
        // Whoever trusts a CA that was told already need not be lost.
        if (const auto next = read_ca(material().next_ca); next && next->not_after > now_) {
            material().ca = std::exchange(material().next_ca, {});
            note("the next CA signs: the old one cannot any more");
            return {};
        }
        auto made = new_ca();
        if (!made) return made.error();
        note(material().ca.certificate_pem.empty() ? "made a CA" : "made a new CA: the old one cannot be used");
        material() = Material{std::move(*made), {}, {}, {}};
        return {};
    }

    Result<void> prepare_next() {
        if (!material().next_ca.certificate_pem.empty()) {
            if (read_ca(material().next_ca)) return {};
            material().next_ca = {};
            note("forgot a next CA that cannot be used");
        }
        const int64_t when = two_thirds(*read_ca(material().ca));
        if (now_ < when) {
            wake_at(when);
            return {};
        }
        auto made = new_ca();
        if (!made) return made.error();
        material().next_ca = std::move(*made);
        note("made the next CA");
        return {};
    }

    Result<void> promote_next() {
        const auto next = read_ca(material().next_ca);
        if (!next) return {};
        const int64_t when = next->not_before + overlap_;
        const int64_t latest = read_ca(material().ca)->not_after;
        if (now_ < std::min(when, latest)) {
            wake_at(std::min(when, latest));
            return {};
        }
        material().previous_ca = material().ca.certificate_pem;
        material().ca = std::exchange(material().next_ca, {});
        note("the next CA signs");
        wake_at(two_thirds(*next));
        return {};
    }

    Result<void> forget_previous() {
        if (material().previous_ca.empty()) return {};
        const auto previous = read(material().previous_ca);
        const auto ca = read_ca(material().ca);
        const int64_t when = previous ? std::min(ca->not_before + 2 * overlap_, previous->not_after) : now_;
        if (now_ < when) {
            wake_at(when);
            return {};
        }
        material().previous_ca.clear();
        note("forgot the previous CA");
        return {};
    }

    bool server_is_good(const std::optional<CertificateInfo>& server) {
        if (!server || !tls::is_key_of(material().server.key_pem, material().server.certificate_pem)) return false;
        if (!tls::is_signed_by(material().server.certificate_pem, material().ca.certificate_pem)) return false;
        auto names = settings_.names;
        std::sort(names.begin(), names.end());
        names.erase(std::unique(names.begin(), names.end()), names.end());
        return server->names == names && now_ < two_thirds(*server);
    }

    Result<void> ensure_server() {
        auto server = read(material().server.certificate_pem);
        if (!server_is_good(server)) {
            auto names = settings_.names;
            std::sort(names.begin(), names.end());
            names.erase(std::unique(names.begin(), names.end()), names.end());
            auto made = tls::issue(material().ca, names, validity(now_, settings_.certificate_lifetime));
            if (!made) return made.error();
            material().server = std::move(*made);
            note("made a server certificate");
            server = read(material().server.certificate_pem);
        }
        wake_at(std::max(now_ + 1, two_thirds(*server)));
        return {};
    }

    const RotationSettings& settings_;
    const int64_t now_;
    const int64_t overlap_;
    Advance out_;
};

}  // namespace

std::string Material::bundle() const { return tls::join({ca.certificate_pem, next_ca.certificate_pem, previous_ca}); }

Result<Advance> advance(const Material& have, const RotationSettings& settings, int64_t now) {
    return Machine(have, settings, now).run();
}

Result<void> check(const Material& material) {
    if (!read_ca(material.ca)) return Error{"ca.crt", "there is no usable CA certificate"};
    if (!tls::is_key_of(material.server.key_pem, material.server.certificate_pem)) {
        return Error{"tls.key", "is not the key of tls.crt"};
    }
    if (!tls::is_signed_by(material.server.certificate_pem, material.ca.certificate_pem)) {
        return Error{"tls.crt", "is not signed by ca.crt"};
    }
    return {};
}

}  // namespace steelyard::certs
