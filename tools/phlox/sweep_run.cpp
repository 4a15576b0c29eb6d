#include "tools/phlox/sweep_run.h"
#include "rl/json.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstring>
#include <fcntl.h>
#include <fmt/format.h>
#include <fstream>
#include <sstream>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> split(const std::string &line) {
  std::vector<std::string> parts;
  std::istringstream text(line);
  std::string part;
  while (std::getline(text, part, ','))
    parts.push_back(part);
  return parts;
}

// the last whole row of a table that may be growing, by column
std::map<std::string, double> last_row(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  std::string header, tail;
  std::getline(file, header);
  constexpr std::streamoff enough = 1 << 16;
  file.seekg(0, std::ios::end);
  const std::streamoff size = file.tellg();
  if (!file || size <= 0)
    return {};
  const std::streamoff begin =
      std::max(static_cast<std::streamoff>(header.size()) + 1, size - enough);
  if (begin >= size)
    return {};
  file.seekg(begin);
  tail.resize(static_cast<std::size_t>(size - begin));
  file.read(tail.data(), size - begin);
  tail.erase(tail.rfind('\n') == tail.npos ? 0 : tail.rfind('\n'));
  tail = tail.substr(tail.rfind('\n') + 1);
  const auto names = split(header), values = split(tail);
  std::map<std::string, double> row;
  for (std::size_t i = 0; i < std::min(names.size(), values.size()); i++) {
    double value = 0;
    const char *end = values[i].data() + values[i].size();
    const auto [rest, error] = std::from_chars(values[i].data(), end, value);
    if (error == std::errc() && rest == end)
      row[names[i]] = value;
  }
  return row;
}

std::optional<double> value_of(const std::map<std::string, double> &row,
                               const char *name) {
  const auto at = row.find(name);
  return at == row.end() ? std::nullopt : std::optional(at->second);
}

nlohmann::json read_json(const fs::path &path) {
  std::ifstream file(path);
  return rl::parse_json(std::string(std::istreambuf_iterator(file), {}));
}

// one that was ended before it was a run, so that its name is free
void clear_stub(const fs::path &folder) {
  std::error_code ignored;
  if (!fs::is_directory(folder, ignored) ||
      fs::exists(folder / "config.toml", ignored) ||
      fs::exists(folder / "checkpoints", ignored))
    return;
  for (const auto &entry : fs::directory_iterator(folder, ignored))
    if (entry.path().filename() != ".lock" &&
        entry.path().filename() != "log.txt")
      return;
  fs::remove_all(folder, ignored);
}

} // namespace

RunProgress read_progress(const fs::path &folder,
                          std::int64_t total_timesteps) {
  RunProgress progress;
  const auto metrics = last_row(folder / "metrics.csv"),
             eval = last_row(folder / "eval.csv");
  progress.env_step =
      static_cast<std::int64_t>(value_of(metrics, "env_step").value_or(0));
  progress.steps_per_second = value_of(metrics, "charts_SPS");
  progress.episodic_return = value_of(metrics, "charts_episodic_return");
  progress.evaluation = value_of(eval, "mean");
  const auto result = read_json(folder / "result.json");
  if (result.is_object() && result.contains("final") &&
      result["final"].is_object() && result["final"].contains("mean") &&
      result["final"]["mean"].is_number())
    progress.final_mean = result["final"]["mean"].get<double>();
  const auto manifest = read_json(folder / "manifest.json");
  if (manifest.is_object() && manifest.contains("exit_status") &&
      manifest["exit_status"] == 0 && manifest.contains("env_step") &&
      manifest["env_step"].is_number_integer()) {
    progress.env_step =
        std::max(progress.env_step, manifest["env_step"].get<std::int64_t>());
    progress.finished = progress.env_step >= total_timesteps;
  }
  return progress;
}

std::string refuse_folder(const SweepRun &run, const fs::path &folder) {
  const fs::path file = folder / "config.toml";
  if (!fs::exists(file))
    return "";
  try {
    const rl::Config now = config_of(run);
    rl::Config before(now.schema());
    before.checkpoint(rl::read_text(file), file.string());
    for (const auto &difference : rl::differences(before, now))
      if (!difference.free)
        return fmt::format("{} must have the sweep's configuration: {} was {}, "
                           "is {}",
                           folder.string(), difference.key,
                           difference.before.dump(), difference.after.dump());
    // one that does not say is for the trainer to compare
    const std::string was = precision_of_run(folder),
                      is = run.words.precision.empty() ? "high"
                                                       : run.words.precision;
    if (!was.empty() && was != is)
      return fmt::format("{} must have the sweep's precision: was {}, is {}",
                         folder.string(), was, is);
  } catch (const std::exception &error) {
    return error.what();
  }
  return "";
}

std::vector<std::string> train_command(const SweepRun &run, const fs::path &out,
                                       int threads) {
  std::vector<std::string> words = {"train", run.words.algorithm, "--env",
                                    run.words.env};
  for (const std::string &setting : run.words.settings)
    words.insert(words.end(), {"--set", setting});
  for (const std::string &plugin : run.words.plugins.paths)
    words.insert(words.end(), {"--plugin", plugin});
  if (run.words.as_published)
    words.emplace_back("--as-published");
  if (!run.words.precision.empty())
    words.insert(words.end(), {"--precision", run.words.precision});
  if (!run.own_threads)
    words.insert(words.end(), {"--threads", std::to_string(threads)});
  words.insert(words.end(),
               {"--seed", run.seed, "--out", out.string(), "--name", run.name,
                "--resume", "auto", "--quiet", "--no-progress"});
  return words;
}

TrainProcess::TrainProcess(const SweepRun &run, const fs::path &out,
                           int threads)
    : log_(out / "logs" / (run.name + ".txt")) {
  clear_stub(out / run.name);
  fs::create_directories(log_.parent_path());
  const int log =
      open(log_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (log < 0)
    throw std::runtime_error(fmt::format("{}: cannot be written: {}",
                                         log_.string(), std::strerror(errno)));
  std::error_code ignored;
  said_before_ = fs::file_size(log_, ignored);
  // everything is made before the fork: between it and exec little is allowed
  auto words = train_command(run, out, threads);
  words.insert(words.begin(), "phlox");
  std::vector<char *> arguments;
  for (std::string &word : words)
    arguments.push_back(word.data());
  arguments.push_back(nullptr);
  const int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
  const pid_t parent = getpid();
  // where it was inherited as ignored, nobody could wait for a child
  ::signal(SIGCHLD, SIG_DFL);
  pid_ = fork();
  if (pid_ == 0) {
    setpgid(0, 0); // a terminal's interrupt reaches the sweep alone
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
      _exit(1);
    dup2(nothing, STDIN_FILENO);
    dup2(log, STDOUT_FILENO);
    dup2(log, STDERR_FILENO);
    execv("/proc/self/exe", arguments.data());
    _exit(127);
  }
  const int error = errno;
  close(log);
  if (nothing >= 0)
    close(nothing);
  if (pid_ < 0)
    throw std::runtime_error(fmt::format("a process must start for {}: got: {}",
                                         run.name, std::strerror(error)));
}

TrainProcess::TrainProcess(TrainProcess &&other) noexcept
    : log_(std::move(other.log_)), said_before_(other.said_before_),
      pid_(std::exchange(other.pid_, -1)), status_(other.status_) {}

TrainProcess::~TrainProcess() {
  if (pid_ <= 0)
    return;
  signal(SIGKILL);
  waitpid(pid_, nullptr, 0);
}

bool TrainProcess::ended() {
  int status = 0;
  if (pid_ <= 0 || waitpid(pid_, &status, WNOHANG) != pid_)
    return false;
  pid_ = -1;
  status_ = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
  return true;
}

void TrainProcess::signal(int number) const {
  if (pid_ > 0)
    kill(pid_, number);
}

std::string TrainProcess::reason() const {
  std::ifstream file(log_);
  file.seekg(static_cast<std::streamoff>(said_before_));
  std::string line, last;
  while (std::getline(file, line))
    if (!line.empty())
      last = line;
  if (last.starts_with("phlox: "))
    last.erase(0, std::strlen("phlox: "));
  // what a run wrote must not steer a terminal
  for (char &c : last)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      c = '?';
  if (status_ > 128) {
    const char *name = sigabbrev_np(status_ - 128);
    last = fmt::format("ended by signal {} ({}){}{}", status_ - 128,
                       name ? name : "unknown", last.empty() ? "" : ": ", last);
  }
  return last.empty() ? fmt::format("exit status {}, and no words in {}",
                                    status_, log_.string())
                      : last;
}

} // namespace phlox::tools
