#include "test/fuzz/isolated.h"
#include <cstring>
#include <fcntl.h>
#include <stdexcept>
#include <sys/wait.h>
#include <unistd.h>

namespace phlox::fuzz {

namespace {

void writeAll(int file, const std::string &text) {
  for (size_t done = 0; done < text.size();) {
    ssize_t count = write(file, text.data() + done, text.size() - done);
    if (count <= 0)
      _exit(3);
    done += size_t(count);
  }
}

[[noreturn]] void child(const std::function<void(const Send &)> &body,
                        unsigned seconds, int file) {
  alarm(seconds);
  try {
    body([&](const std::string &text) { writeAll(file, text); });
  } catch (const std::exception &error) {
    writeAll(file, std::string("\1") + error.what());
    _exit(2);
  }
  _exit(0); // not exit: what the parent built is not the child's to end
}

} // namespace

Outcome isolated(const std::function<void(const Send &)> &body,
                 unsigned seconds) {
  int ends[2];
  if (pipe(ends) != 0)
    throw std::runtime_error(std::string("pipe: ") + std::strerror(errno));
  pid_t pid = fork();
  if (pid < 0)
    throw std::runtime_error(std::string("fork: ") + std::strerror(errno));
  if (pid == 0) {
    close(ends[0]);
    child(body, seconds, ends[1]);
  }
  close(ends[1]);
  Outcome outcome;
  char part[4096];
  while (ssize_t count = read(ends[0], part, sizeof part)) {
    if (count < 0)
      break;
    outcome.text.append(part, size_t(count));
  }
  close(ends[0]);
  int status = 0;
  waitpid(pid, &status, 0);
  if (WIFSIGNALED(status))
    outcome.problem = WTERMSIG(status) == SIGALRM
                          ? "took longer than " + std::to_string(seconds) + " s"
                          : std::string("died: ") + strsignal(WTERMSIG(status));
  else if (size_t at = outcome.text.rfind('\1');
           WEXITSTATUS(status) == 2 && at != std::string::npos) {
    outcome.problem = "threw: " + outcome.text.substr(at + 1);
    outcome.text.resize(at);
  } else if (WEXITSTATUS(status) != 0)
    outcome.problem = "ended with " + std::to_string(WEXITSTATUS(status));
  return outcome;
}

} // namespace phlox::fuzz
