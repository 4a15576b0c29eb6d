#include "tools/phlox/peer_process.h"

#include <csignal>
#include <cstdlib>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <spawn.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

namespace phlox::tools {

PeerProcess::PeerProcess(const std::string &python, const std::string &script,
                         const std::vector<std::string> &arguments) {
  std::vector<std::string> words = {python, "-B", script};
  words.insert(words.end(), arguments.begin(), arguments.end());
  std::vector<char *> argv;
  for (auto &word : words)
    argv.push_back(word.data());
  argv.push_back(nullptr);
  // a script that ended early must not end us
  std::signal(SIGPIPE, SIG_IGN);
  int in[2], out[2];
  if (pipe2(in, O_CLOEXEC) != 0)
    throw std::runtime_error("two pipes are required: got none");
  to_.reset(fdopen(in[1], "w"));
  if (pipe2(out, O_CLOEXEC) != 0) {
    close(in[0]);
    throw std::runtime_error("two pipes are required: got one");
  }
  from_.reset(fdopen(out[0], "r"));
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, in[0], STDIN_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDOUT_FILENO);
  posix_spawn_file_actions_adddup2(&actions, out[1], STDERR_FILENO);
  const int error = posix_spawnp(&child_, python.c_str(), &actions, nullptr,
                                 argv.data(), environ);
  posix_spawn_file_actions_destroy(&actions);
  close(in[0]);
  close(out[1]);
  if (error) {
    child_ = -1;
    throw std::runtime_error(
        fmt::format("{}: cannot be run: {}", python, std::strerror(error)));
  }
}

PeerProcess::~PeerProcess() {
  to_.reset(); // the end of its input ends it
  from_.reset();
  if (child_ > 0)
    waitpid(child_, nullptr, 0);
}

nlohmann::json PeerProcess::read() {
  std::string last;
  char *line = nullptr;
  std::size_t room = 0;
  nlohmann::json answer;
  while (!answer.is_object() && getline(&line, &room, from_.get()) >= 0) {
    last = line;
    while (!last.empty() && last.back() == '\n')
      last.pop_back();
    answer = nlohmann::json::parse(last, nullptr, false);
  }
  std::free(line);
  if (!answer.is_object())
    throw std::runtime_error(last.empty() ? "it said nothing" : last);
  return answer;
}

void PeerProcess::write(const std::string &line) {
  fmt::print(to_.get(), "{}\n", line);
  std::fflush(to_.get());
}

} // namespace phlox::tools
