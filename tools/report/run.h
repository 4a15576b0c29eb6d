// What a run folder holds, as far as it can be read.
#pragma once
#include "tools/report/table.h"
#include <array>
#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace phlox::report {

/// One row of eval.csv, or the evaluation that ended the training.
struct EvaluationRow {
  double env_step = 0, wall_s = 0;
  double mean = 0, sd = 0, min = 0, max = 0, iqm = 0;
  std::vector<double> returns;
  double success = std::numeric_limits<double>::quiet_NaN(); // NaN: not told
};

/// One entry point of the run's artifact.
struct ProgramEntry {
  std::string name;
  std::uint64_t flops = 0, bytes = 0;
};

/// What `phlox eval` left in the folder: the run's policy, acting as trained or
/// otherwise.
struct PolicyRow {
  std::string file;
  std::int64_t nfe = 1, particles = 1;
  bool last_parameters = false; // --no-ema
  bool noisy = false;           // --noise
  double env_step = 0, sample_us = 0;
  std::vector<double> returns;
  // where episodes went in tasks of two numbers: their last observations or,
  // where those are all the same, their first actions; else empty
  std::vector<std::array<double, 2>> ends;
  bool ends_are_actions = false;
};

struct Run {
  std::filesystem::path path;
  std::string name; // the folder's
  std::string algorithm, env, seed;
  std::map<std::string, std::string> config; // flat key -> TOML value
  Table metrics, episodes, eval;
  std::vector<EvaluationRow> evaluations;
  std::vector<EvaluationRow> last; // the final evaluation: one or none
  std::vector<PolicyRow> policies; // from eval-*.json, by name
  // from the manifest; empty: not known
  std::string version, compiler, mujoco, host, cpu, artifact_hash, precision,
      start, end, exit_reason, manifest;
  std::set<std::string> as_published; // its keys, if all are so
  std::vector<ProgramEntry> entries;
  /// One line each: what is missing, damaged or still to come.
  std::vector<std::string> notes;

  /// Returns the last env step that any table speaks of.
  double env_step() const;
  /// Returns the seconds that the run took so far.
  double wall_s() const;
  /// Returns env steps per second over the whole run, 0 if not known.
  double steps_per_second() const;
  bool ended() const { return !end.empty(); }
  /// Returns a whole number of the configuration, 1 if it has none.
  std::int64_t setting(const std::string &key) const;
};

/// Returns the run folders that a path names: itself, or all that lie in it, up
/// to three folders deep, by name. Of links it follows those to runs alone.
///
/// Errors:  rl::UsageError if there is none.
std::vector<std::filesystem::path> find_runs(const std::filesystem::path &path);

/// Reads a run. What cannot be read becomes a note.
///
/// Errors:  std::runtime_error if config.toml cannot be read, since nothing
///          else says what the run was.
Run read_run(const std::filesystem::path &path);

/// Returns the values of nested TOML tables by dotted key, as TOML text.
///
/// Errors:  std::runtime_error naming file and line.
std::map<std::string, std::string> read_config(const std::string &path,
                                               const std::string &text);

} // namespace phlox::report
