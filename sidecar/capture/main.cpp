// steelyard-capture: read options, write the packet rules, say what is in force. Runs once, before the sidecar and the application.
#include <cstdio>

#include "sidecar/capture/nft.hpp"
#include "sidecar/capture/options.hpp"

int main(int argc, char** argv) {
    namespace capture = steelyard::capture;
    const auto options = capture::parse_options(argc, argv);
    if (const int* status = std::get_if<int>(&options)) return *status;
    const auto& program = std::get<capture::CaptureProgram>(options);
    const std::string rules = capture::ruleset(program.rules);
    if (program.dry_run) {
        std::fputs(rules.c_str(), stdout);
        return 0;
    }
    if (auto done = capture::run_nft(program.nft, rules); !done) {
        std::fprintf(stderr, "steelyard-capture: %s\n", done.error().to_string().c_str());
        return 1;
    }
    std::printf("steelyard-capture: %s\n", capture::summary(program.rules).c_str());
    return 0;
}
