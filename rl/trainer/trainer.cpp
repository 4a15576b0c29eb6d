#include "rl/trainer/trainer.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/loop.h"
#include "rl/trainer/manifest.h"
#include "rl/trainer/signals.h"
#include <algorithm>
#include <filesystem>
#include <fmt/format.h>
#include <numeric>
#include <string>

namespace phlox::rl {
namespace {

namespace fs = std::filesystem;

// leaves a file alone that holds the text already: a disk may be full
void put(const fs::path &path, const std::string &text) {
  std::error_code error;
  if (!fs::exists(path, error) || read_text(path) != text)
    write_text(path, text);
}

// what a folder must hold before the first step: how it came about
void describe(const TrainRequest &request, const RunFolder &folder) {
  for (const char *extension : {".so", ".h"}) {
    fs::path from = fs::path(request.artifact).replace_extension(extension);
    fs::path to = folder.path() / (std::string("artifact") + extension);
    std::error_code error;
    if (request.artifact.empty() || !fs::exists(from, error) ||
        fs::equivalent(from, to, error))
      continue;
    put(to, read_text(from));
  }
  put(folder.path() / "config.toml", request.config_toml);
}

// what the entry points work in, for the instruction set that needs most
std::int64_t scratch_of(const phlox_executable_table &table) {
  std::uint64_t most = 0;
  for (std::uint32_t v = 0; v < table.variant_count; ++v) {
    const std::uint64_t *bytes = table.variants[v].scratch_bytes;
    most = std::max(most, std::accumulate(bytes, bytes + table.entry_count,
                                          std::uint64_t{0}));
  }
  return static_cast<std::int64_t>(most);
}

// bytes of each transition that are saved anew with every checkpoint
std::int64_t rewritten_of(const phlox_executable_table &table,
                          int action_size) {
  for (std::uint32_t e = 0; e < table.entry_count; ++e)
    for (std::uint32_t o = 0; o < table.entries[e].output_count; ++o)
      if (std::string_view(table.entries[e].outputs[o].name) ==
          "improved_action")
        return 4ll * action_size;
  return 0;
}

// a rollout, as train_step takes it
std::int64_t rollout_of(const phlox_executable_table &table) {
  std::int64_t bytes = 0;
  for (std::uint32_t e = 0; e < table.entry_count; ++e)
    for (std::uint32_t i = 0; i < table.entries[e].input_count; ++i)
      if (std::string_view(table.entries[e].name) == "train_step")
        bytes += static_cast<std::int64_t>(table.entries[e].inputs[i].bytes);
  return bytes;
}

// what train_step reports and what the trainer adds
std::int64_t columns_of(const phlox_executable_table &table) {
  std::int64_t columns = 17;
  for (std::uint32_t e = 0; e < table.entry_count; ++e)
    if (std::string_view(table.entries[e].name) == "train_step")
      columns += table.entries[e].output_count;
  return columns;
}

// tables and event file, by the sizes of rows as they are on the whole
std::int64_t logs_of(const TrainerConfig &config,
                     const phlox_executable_table &table) {
  const bool events = config.log.tensorboard;
  const std::int64_t number = 12 + (events ? 29 : 0),
                     episode = 30 + (events ? 60 : 0);
  const std::int64_t steps = // of more, no figure means anything
      std::min<std::int64_t>(config.total_timesteps, 1'000'000'000'000);
  return steps / std::max<std::int64_t>(config.log.every, 1) *
             columns_of(table) * number +
         steps / 100 * episode;
}

} // namespace

Forecast forecast(const TrainerConfig &config, int obs_size, int action_size,
                  const phlox_executable_table &table,
                  const ProcessMemory &held_before) {
  const auto arena = static_cast<std::int64_t>(table.arena_bytes);
  const std::int64_t held =
      std::min(config.replay.capacity, config.total_timesteps);
  const std::int64_t each =
      4ll * (obs_size + action_size + 1) + 2 + (4ll * obs_size + 4) / 100;
  // one segment more than is held, since segments go as a whole
  const std::int64_t spare = std::min(config.replay.segment, held) * each;
  auto of_process = [&](std::int64_t to_come) {
    return std::max(held_before.most, held_before.now + to_come);
  };
  Forecast result;
  // each kept checkpoint, one being written and the best; a partly filled
  // segment is written anew each time
  const std::int64_t folders = config.checkpoint.keep + 1;
  result.disk = (folders + 1) * arena + logs_of(config, table);
  if (learns_from_rollouts(table)) {
    result.memory = of_process(arena + scratch_of(table) + rollout_of(table));
    result.disk += folders * rollout_of(table);
    return result;
  }
  const std::int64_t rewritten = held * rewritten_of(table, action_size);
  result.memory =
      of_process(arena + scratch_of(table) + held * each + spare + rewritten);
  if (config.replay.save)
    result.disk += held * each + folders * (spare + rewritten);
  return result;
}

int train(const TrainRequest &request, RunFolder &folder, TextLog &log) {
  Signals signals;
  int status = 1;
  std::string reason;
  Counters at;
  log.attach(folder.file("log.txt"));
  log.say(folder.path().string());
  const phlox_executable_table &table =
      *phlox_executable_table_of(request.executable);
  Manifest manifest(folder, request.manifest, table);
  bool described = false;
  try {
    Loop loop(request, folder, log, manifest.rows());
    // a resumed run keeps its description until its checkpoint was taken over
    if (!folder.resumed())
      describe(request, folder);
    loop.restore();
    if (folder.resumed())
      describe(request, folder);
    manifest.write();
    described = true;
    try {
      status = loop.run();
      reason = loop.reason();
    } catch (const std::exception &error) {
      reason = error.what();
      log.warn(fmt::format("stopped at env step {}, update {}: {}",
                           loop.counters().env_step, loop.counters().update,
                           reason));
    }
    at = loop.counters();
  } catch (const UsageError &) {
    std::error_code ignored;
    if (!folder.resumed())
      fs::remove_all(folder.path(), ignored);
    throw;
  } catch (const std::exception &error) {
    reason = error.what();
    log.warn(reason);
  }
  if (described || !folder.resumed())
    manifest.finish(at, status, reason);
  return status;
}

} // namespace phlox::rl
