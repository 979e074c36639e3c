// steelyard-capture: read options, write the packet rules, say what is in force. Runs once, before the sidecar and the application.
#include <cstdio>

#include "sidecar/capture/options.hpp"
#include "sidecar/nft/nft.hpp"

namespace steelyard::capture {
namespace {

int run_return_path(const CaptureProgram& program) {
    const ReturnPath& path = *program.return_path;
    const std::string rules = program.remove ? return_removal() : return_ruleset(path);
    if (program.dry_run) {
        std::fputs(rules.c_str(), stdout);
        return 0;
    }
    // What marks comes last and goes first: a mark without a route would lead nowhere.
    Result<void> done;
    if (program.remove) {
        done = run_nft(program.nft, rules);
        if (done) done = remove_return_routes(path);
    } else {
        done = install_return_routes(path);
        if (done) done = run_nft(program.nft, rules);
    }
    if (!done) {
        std::fprintf(stderr, "steelyard-capture: %s\n", done.error().to_string().c_str());
        return 1;
    }
    if (program.remove) {
        std::puts("steelyard-capture: the way back is removed");
    } else {
        std::printf("steelyard-capture: answers to transparent sockets are marked 0x%x and delivered by table %u\n",
                    path.mark, path.table);
    }
    return 0;
}

}  // namespace
}  // namespace steelyard::capture

int main(int argc, char** argv) {
    namespace capture = steelyard::capture;
    const auto options = capture::parse_options(argc, argv);
    if (const int* status = std::get_if<int>(&options)) return *status;
    const auto& program = std::get<capture::CaptureProgram>(options);
    if (program.return_path) return capture::run_return_path(program);
    const std::string rules = capture::ruleset(program.rules);
    if (program.dry_run) {
        std::fputs(rules.c_str(), stdout);
        return 0;
    }
    if (auto done = steelyard::run_nft(program.nft, rules); !done) {
        std::fprintf(stderr, "steelyard-capture: %s; connections go out untouched\n", done.error().to_string().c_str());
        return 1;
    }
    std::printf("steelyard-capture: %s\n", capture::summary(program.rules).c_str());
    return 0;
}
