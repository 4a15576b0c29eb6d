#include "tools/phlox/bench_train.h"
#include "tools/phlox/setup.h"
#include "tools/phlox/unit_peak.h"
#include <algorithm>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <sstream>
#include <unistd.h>

namespace phlox::tools {
namespace {

constexpr int learning_starts = 1000, window = 500;
constexpr double likely_steps_per_s = 500;

// a folder that goes away with the scope
struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() /
                               fmt::format("phlox-bench-train-{}", getpid());
  ~Folder() {
    std::error_code error;
    std::filesystem::remove_all(path, error);
  }
};

std::vector<std::string> cells(const std::string &line) {
  std::vector<std::string> found;
  std::istringstream stream(line);
  for (std::string cell; std::getline(stream, cell, ',');)
    found.push_back(cell);
  return found;
}

// microseconds per step of every window after the first with updates
std::vector<double> windows_of(const std::filesystem::path &metrics) {
  std::ifstream file(metrics);
  std::string line;
  std::getline(file, line);
  const auto header = cells(line);
  auto column = [&](const char *name) {
    const auto at = std::find(header.begin(), header.end(), name);
    if (at == header.end())
      throw std::runtime_error(fmt::format("{} must have a column {}: got none",
                                           metrics.string(), name));
    return static_cast<std::size_t>(at - header.begin());
  };
  const auto step = column("env_step"), rate = column("charts_SPS_window");
  std::vector<double> micros;
  while (std::getline(file, line)) {
    const auto row = cells(line);
    if (row.size() > std::max(step, rate) &&
        std::stoll(row[step]) > learning_starts + window)
      micros.push_back(1e6 / std::stod(row[rate]));
  }
  return micros;
}

} // namespace

BenchRow measure_training(int threads, double seconds,
                          const std::string &precision) {
  const Folder folder;
  const int windows =
      std::max(4, static_cast<int>(seconds * likely_steps_per_s / window) + 1);
  auto set = [](const char *key, auto value) {
    return fmt::format("{}={}", key, value);
  };
  std::vector<std::string> words = {"/proc/self/exe", "train", "sac", "--env",
                                    "HalfCheetah-v5"};
  for (const auto &word :
       {std::string("--out"), folder.path.string(), std::string("--name"),
        std::string("run"), std::string("--threads"),
        fmt::format("{}", threads), std::string("--precision"), precision,
        std::string("--total-timesteps"),
        fmt::format("{}", learning_starts + windows * window)})
    words.push_back(word);
  for (const auto &setting :
       {set("learning_starts", learning_starts), set("log.every", window),
        set("eval.every", 0), set("eval.final_episodes", 0),
        set("log.tensorboard", "false"), set("checkpoint.every", 0)}) {
    words.push_back("--set");
    words.push_back(setting);
  }
  run_process(words);
  const auto artifact = load_executable(folder.path / "run" / "artifact.so");
  auto micros = windows_of(folder.path / "run" / "metrics.csv");
  if (micros.empty())
    throw std::runtime_error("training must log windows of steps: got none");
  std::sort(micros.begin(), micros.end());
  return {.work = "sac/train",
          .precision = precision_of(
              chosen_variant(*phlox_executable_table_of(artifact.get()))),
          .threads = threads,
          .median_us = micros[micros.size() / 2],
          .min_us = micros.front(),
          .max_us = micros.back()};
}

} // namespace phlox::tools
