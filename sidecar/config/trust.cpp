#include "sidecar/config/trust.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <vector>

#include "common/log.hpp"
#include "common/tls/certificate.hpp"
#include "common/tls/client_context.hpp"
#include "sidecar/config/state_file.hpp"

namespace steelyard::config {
namespace {

constexpr size_t kMaxTokenBytes = 8192;

Result<std::string> read_small(const std::string& path, size_t limit) {
    std::ifstream in(path, std::ios::binary);
    if (!in) return Error{path, "cannot be read"};
    std::string text(limit + 1, '\0');
    in.read(text.data(), static_cast<std::streamsize>(text.size()));
    text.resize(static_cast<size_t>(in.gcount()));
    if (in.bad()) return Error{path, "cannot be read"};
    if (text.size() > limit) return Error{path, "has more than " + std::to_string(limit) + " bytes"};
    return text;
}

}  // namespace

TrustStore::TrustStore(Options options) : options_(std::move(options)) {
    std::error_code failure;
    if (options_.learned.empty() || !std::filesystem::exists(options_.learned, failure)) return;
    auto text = read_small(options_.learned, tls::kMaxPemBytes);
    const Result<void> good = text ? tls::check_bundle({*text, options_.learned}) : Result<void>{Error{text.error()}};
    if (!good) {
        log::warn("{}; only the configured CA is trusted", good.error().to_string());
        return;
    }
    learned_ = std::move(*text);
}

Result<std::shared_ptr<boost::asio::ssl::context>> TrustStore::context() const {
    std::vector<tls::TrustedBundle> bundles;
    if (!options_.ca_pem.empty()) bundles.push_back({options_.ca_pem, "--controller-ca-pem"});
    if (!options_.ca_file.empty()) {
        auto text = read_small(options_.ca_file, tls::kMaxPemBytes);
        const Result<void> good =
            text ? tls::check_bundle({*text, options_.ca_file}) : Result<void>{Error{text.error()}};
        if (!good && learned_.empty()) return good.error();
        if (good) bundles.push_back({std::move(*text), options_.ca_file});
    }
    if (!learned_.empty()) bundles.push_back({learned_, "the learned CA"});
    return tls::make_client_context(bundles);
}

Result<bool> TrustStore::learn(const std::string& pem) {
    if (auto good = tls::check_bundle({pem, "trust.ca"}); !good) return good.error();
    if (pem == learned_) return false;
    learned_ = pem;
    if (options_.learned.empty()) return true;
    if (auto written = write_state_file(options_.learned, pem); !written) {
        log::warn("{}; after a restart only the configured CA is trusted", written.error().to_string());
    }
    return true;
}

Result<std::string> read_token(const std::string& file) {
    auto text = read_small(file, kMaxTokenBytes);
    if (!text) return text;
    const auto is_space = [](char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; };
    const auto first = std::find_if_not(text->begin(), text->end(), is_space);
    const auto last = std::find_if_not(text->rbegin(), std::make_reverse_iterator(first), is_space).base();
    const std::string token(first, last);
    const bool plain = std::all_of(token.begin(), token.end(), [](char c) { return c > ' ' && c < 127; });
    if (token.empty() || !plain) return Error{file, "does not hold a token: one word of visible characters"};
    return token;
}

}  // namespace steelyard::config
