#pragma once
// A client of the API server that refuses everything: a test's own overrides what is to be asked of it.
#include "controller/kube/client.hpp"

namespace steelyard::test {

class RefusingClient : public kube::Client {
public:
    using Answer = kube::ApiResult<std::string>;
    Answer get(const std::string&, const std::stop_token&) override { return refused(); }
    Answer create(const std::string&, const std::string&, const std::stop_token&) override { return refused(); }
    Answer replace(const std::string&, const std::string&, const std::stop_token&) override { return refused(); }
    Answer patch(const std::string&, const std::string&, std::string_view, const std::stop_token&) override {
        return refused();
    }

private:
    static kube::ApiError refused() { return {kube::ApiErrorKind::forbidden, 403, "a test does not allow this"}; }
};

}  // namespace steelyard::test
