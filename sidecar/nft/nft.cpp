#include "sidecar/nft/nft.hpp"

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <system_error>

#include "sidecar/reactor/fd.hpp"

extern char** environ;

namespace steelyard {
namespace {

constexpr size_t kMaxComplaint = 4096;

struct Pipe {
    UniqueFd read, write;
};

bool open_pipe(Pipe& out) {
    std::array<int, 2> ends{};
    if (pipe2(ends.data(), O_CLOEXEC) != 0) return false;
    out.read.reset(ends[0]);
    out.write.reset(ends[1]);
    return true;
}

// An nft that ends before it has read everything is no reason to end as well: SIGPIPE is ignored by run_nft().
void write_all(int fd, std::string_view text) {
    while (!text.empty()) {
        const ssize_t n = ::write(fd, text.data(), text.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return;
        text.remove_prefix(static_cast<size_t>(n));
    }
}

std::string read_all(int fd) {
    std::string text;
    std::array<char, 1024> block{};
    while (true) {
        const ssize_t n = ::read(fd, block.data(), block.size());
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) break;
        if (text.size() < kMaxComplaint) text.append(block.data(), static_cast<size_t>(n));
    }
    while (!text.empty() && text.back() == '\n') text.pop_back();
    return text;
}

}  // namespace

Result<void> run_nft(const std::string& program, const std::string& ruleset) {
    const auto failed = [&](const std::string& why) { return Error{program, why + "; nothing was changed"}; };
    Pipe in;
    Pipe complaint;
    if (!open_pipe(in) || !open_pipe(complaint))
        return failed(std::string("cannot make a pipe: ") + std::generic_category().message(errno));
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, in.read.get(), STDIN_FILENO);
    posix_spawn_file_actions_adddup2(&actions, complaint.write.get(), STDERR_FILENO);
    std::array<std::string, 3> words{program, "-f", "-"};
    std::array<char*, 4> arguments{words[0].data(), words[1].data(), words[2].data(), nullptr};
    pid_t child = 0;
    const int error = posix_spawnp(&child, program.c_str(), &actions, nullptr, arguments.data(), environ);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) return failed(std::string("cannot be run: ") + std::generic_category().message(error));
    in.read.reset();
    complaint.write.reset();
    signal(SIGPIPE, SIG_IGN);
    write_all(in.write.get(), ruleset);
    in.write.reset();
    const std::string said = read_all(complaint.read.get());
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0) return {};
    const bool forbidden = said.find("not permitted") != std::string::npos;
    return failed("refused the rules: " + (said.empty() ? "status " + std::to_string(status) : said) +
                  (forbidden ? " (the capability NET_ADMIN is needed)" : ""));
}

}  // namespace steelyard
