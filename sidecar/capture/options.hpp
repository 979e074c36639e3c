#pragma once
// steelyard-capture's command line, checked. Unlike the other programs it reads no environment: a pod's is full of other
// Services' variables, and STEELYARD_PORT is what Kubernetes calls the address of a Service named steelyard.
#include <optional>
#include <string>
#include <variant>

#include "sidecar/capture/return_path.hpp"
#include "sidecar/capture/ruleset.hpp"

namespace steelyard::capture {

struct CaptureProgram {
    Rules rules;
    std::optional<ReturnPath> return_path;  // instead of the rules
    bool remove = false;                    // of return_path: takes it away
    bool dry_run = false;
    std::string nft = "nft";
};

// Options, or the exit status after --help, --version or an error, which was printed.
std::variant<CaptureProgram, int> parse_options(int argc, const char* const* argv);

}  // namespace steelyard::capture
