// Which part of a sweep a process does, and with how many threads.
#include "rl/trainer/errors.h"
#include "tools/phlox/sweep_plan.h"
#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <functional>

namespace phlox::tools {
namespace {

using Variable = std::function<std::string(const std::string &)>;

int number(const std::string &what, const std::string &text, int least) {
  int value = 0;
  const char *end = text.data() + text.size();
  const auto [rest, error] = std::from_chars(text.data(), end, value);
  if (error != std::errc() || rest != end || value < least)
    throw rl::UsageError(fmt::format(
        "{} must be a whole number from {}: got '{}'", what, least, text));
  return value;
}

// {rank, size, ranks on this machine} of the launchers that are known
constexpr const char *launchers[][3] = {
    {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE",
     "OMPI_COMM_WORLD_LOCAL_SIZE"},
    {"PMI_RANK", "PMI_SIZE", "MPI_LOCALNRANKS"},
    {"MV2_COMM_WORLD_RANK", "MV2_COMM_WORLD_SIZE",
     "MV2_COMM_WORLD_LOCAL_SIZE"}};

Share of_ranks(const Variable &variable) {
  for (const auto &[rank, size, local] : launchers) {
    if (variable(rank).empty() || variable(size).empty())
      continue;
    Share share{number(rank, variable(rank), 0),
                number(size, variable(size), 1), 1};
    if (!variable(local).empty())
      share.neighbours = number(local, variable(local), 1);
    return share;
  }
  return {};
}

// an array's tasks may be on one machine, each with cores of its own
Share of_array(const Variable &variable) {
  const std::string id = "SLURM_ARRAY_TASK_ID", least = "SLURM_ARRAY_TASK_MIN",
                    most = "SLURM_ARRAY_TASK_MAX",
                    step = "SLURM_ARRAY_TASK_STEP",
                    count = "SLURM_ARRAY_TASK_COUNT";
  if (variable(id).empty())
    return {};
  auto value = [&](const std::string &name, int otherwise, int least) {
    return variable(name).empty() ? otherwise
                                  : number(name, variable(name), least);
  };
  const int at = number(id, variable(id), 0), first = value(least, 0, 0),
            stride = value(step, 1, 1), last = value(most, at, 0);
  const int tasks = (last - first) / stride + 1;
  if (at < first || at > last || (at - first) % stride != 0 ||
      value(count, tasks, 1) != tasks)
    throw rl::UsageError(fmt::format(
        "a Slurm array must be a whole range, such as 0-{}, or name its part "
        "by --share I/N: got task {} of {} from {} to {}",
        tasks - 1, at, value(count, tasks, 1), first, last));
  return {(at - first) / stride, tasks, 1};
}

} // namespace

Share find_share(const std::string &words, const Variable &variable) {
  Share share;
  if (!words.empty()) {
    const auto slash = words.find('/');
    if (slash == words.npos)
      throw rl::UsageError(
          fmt::format("--share must be I/N, from 0/N: got '{}'", words));
    share.index = number("--share I/N: I", words.substr(0, slash), 0);
    share.count = number("--share I/N: N", words.substr(slash + 1), 1);
  } else {
    const Share array = of_array(variable), ranks = of_ranks(variable);
    share = {array.index * ranks.count + ranks.index, array.count * ranks.count,
             ranks.neighbours};
  }
  if (share.index >= share.count)
    throw rl::UsageError(
        fmt::format("a share's index must be below the count {}: got {}",
                    share.count, share.index));
  return share;
}

int threads_per_run(int available, int online, const Share &share, int jobs) {
  // a launcher that binds its ranks has shared the cores out already
  const bool shared = available * share.neighbours > online;
  return std::max(1, available / (jobs * (shared ? share.neighbours : 1)));
}

} // namespace phlox::tools
