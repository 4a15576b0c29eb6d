// Trains a compiled program in an environment: collects, stores, updates,
// evaluates, logs, checkpoints and resumes.
#pragma once
#include "phlox/runtime.h"
#include "rl/trainer/any_environment.h"
#include "rl/trainer/process_memory.h"
#include "rl/trainer/program.h"
#include "rl/trainer/run_folder.h"
#include "rl/trainer/text_log.h"
#include "rl/trainer/trainer_config.h"
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

namespace phlox::rl {

/// An episode to put on film.
struct FilmTask {
  Actor &actor;                   // of one environment
  EnvironmentRequest environment; // whose first episode it is
  std::uint64_t first_step = 0;   // the noise counter at its start
  std::filesystem::path path;     // of the MP4
  std::function<bool()> stop;
};

/// Makes a video; returns a line about it, or nothing if `stop` returned true.
///
/// Errors:  std::runtime_error with one line.
using Filmer = std::function<std::optional<std::string>(const FilmTask &)>;

/// Everything a run needs beside its settings.
struct TrainRequest {
  TrainerConfig config;
  std::string config_toml; // resolved, with origins: becomes config.toml
  std::string artifact;    // its file, copied into the folder; may be empty
  // rows of manifest.json that the caller knows: command line, versions
  nlohmann::json manifest = nlohmann::json::object();
  double elapsed = 0; // s that this process took before; stop_after counts them
  phlox_executable *executable = nullptr; // loaded; outlives the call
  EnvironmentFactory environments;
  Filmer film; // for video.every; may be empty
};

/// What a run will need, in bytes, about.
struct Forecast {
  std::int64_t memory = 0; // of the process, compiler and simulators included
  std::int64_t disk = 0;   // checkpoints, tables and event file
};

/// Computes the forecast from what the process held before it filled its
/// replay; episode ends count as one in a hundred.
Forecast forecast(const TrainerConfig &config, int obs_size, int action_size,
                  const phlox_executable_table &table,
                  const ProcessMemory &held_before);

/// Trains until total_timesteps; a folder that was opened for resuming goes on
/// from its newest good checkpoint, bit for bit, or starts anew without one.
///
/// Returns: the exit status: 0 done (or stop_after reached), 1 failed (the
///          reason is the last line said), 128 + n stopped by signal n.
/// Errors:  UsageError if settings and program do not fit each other (a new
///          folder is removed); other errors are said on stderr and become
///          status 1.
/// Threads: one run per process (it handles signals).
int train(const TrainRequest &request, RunFolder &folder, TextLog &log);

/// The same for an environment type; `make` returns std::unique_ptr<Env> for an
/// EnvironmentRequest.
template <VectorEnvironment Env, class Make>
int train(TrainRequest request, Make make, RunFolder &folder, TextLog &log) {
  request.environments = environment_factory<Env>(std::move(make));
  return train(request, folder, log);
}

} // namespace phlox::rl
