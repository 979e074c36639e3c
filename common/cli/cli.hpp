#pragma once
// What both programs' command lines share: every flag is also STEELYARD_NAME in the environment (the flag wins), bad usage is
// one clear line and exit status 2, --version and --help.
#include <optional>
#include <string>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace steelyard::cli {

// Gives each flag of `app` its environment name: --push-listen -> STEELYARD_PUSH_LISTEN.
void add_environment(CLI::App& app);

// Parses; nullopt = go on, else the exit status (0 after --help or --version, 2 after an error, which was printed).
std::optional<int> parse(CLI::App& app, int argc, const char* const* argv);

// Prints "PROGRAM: MESSAGE" and returns 2.
int usage_error(const std::string& program, const std::string& message);

}  // namespace steelyard::cli
