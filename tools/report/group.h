// Runs that differ in their seed alone, and how groups differ.
#pragma once
#include "tools/report/run.h"
#include "tools/report/statistics.h"
#include <optional>

namespace phlox::report {

/// Runs of one algorithm, environment, configuration and precision.
struct Group {
  std::string label; // unique in a report
  std::string algorithm, env;
  std::string method;  // the algorithm, "as published", "in bf16"
  std::string variant; // what sets it apart from others of its method
  std::vector<const Run *> runs;
  std::map<std::string, std::string> config; // of the keys that set it apart
  std::set<std::string> as_published;        // its keys, if all are so

  /// The scores that groups are compared by: those of the final evaluations,
  /// or, while no run has one, of the last evaluation that all runs share.
  std::vector<Unit> scores; // one unit per counted run
  std::string scores_of;    // "final evaluation", "evaluation at 80,000"
  std::vector<const Run *> counted;
};

/// Whether a key of the configuration leaves results as they are: the seed,
/// threads, logging, evaluation, checkpoints.
bool sets_apart(const std::string &key);

/// Returns the groups in the order of their first runs.
std::vector<Group> group_runs(const std::vector<Run> &runs);

/// One key that groups do not share; "–" for a group without it.
struct Difference {
  std::string key;
  std::vector<std::string> values; // one per group
};
std::vector<Difference> differences(const std::vector<Group> &groups);

/// A curve over the env steps: interquartile mean over runs of their
/// evaluations' means, interpolated to the steps at which any run was
/// evaluated, never beyond a run's own steps.
struct Curve {
  std::vector<double> steps, middle;
  std::vector<double> low, high; // NaN below least_runs runs
  std::vector<int> count;        // runs at each step
};
Curve learning_curve(const Group &group);

/// Returns the value at x of a line through points in order of x; none outside
/// of them.
std::optional<double> interpolate(const std::vector<double> &x,
                                  const std::vector<double> &y, double at);

} // namespace phlox::report
