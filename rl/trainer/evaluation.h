// Episodes of a policy in environments of their own.
#pragma once
#include "rl/trainer/any_environment.h"
#include "rl/trainer/part_sums.h"
#include "rl/trainer/program.h"
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

namespace phlox::rl {

/// What a set of episodes returned.
struct Evaluation {
  std::vector<double> returns; // one per episode, in a fixed order
  std::vector<int> lengths;    // env steps
  std::vector<double> success; // from 0 to 1, none if the task does not say
  std::vector<std::string> part_names;
  std::vector<std::vector<double>> parts; // of each return, (P)
  // one row per episode, if observations and actions are at most two numbers:
  // what can be drawn as a map of where a policy goes
  std::vector<std::vector<double>> first_actions, final_obs;
  std::int64_t broken = 0; // environment steps and starts without numbers
  double seconds = 0;
};

/// Says that environments broke, the way every verb says it.
std::string broken_line(std::int64_t count);

struct Summary {
  double mean = 0, sd = 0, min = 0, max = 0, iqm = 0;
};

/// Summarises returns: sd with n - 1 (0 for one), iqm the mean after cutting
/// floor(n / 4) from each end.
Summary summarize(std::span<const double> returns);

/// Returns the mean over episodes, of the success and of each part.
double mean_success(const Evaluation &evaluation);
std::vector<double> mean_parts(const Evaluation &evaluation);

/// Runs exactly `episodes` episodes, those of environment i being its first
/// ones: which count does not depend on how long they take.
///
/// Units:   `first_step` + t is the noise counter of vector step t.
/// Errors:  std::runtime_error for an action that is not finite and for an
///          episode longer than the environment's own limit; nothing if `stop`
///          returned true.
std::optional<Evaluation> evaluate(Actor &actor, AnyEnvironment &env,
                                   int episodes, std::uint64_t first_step,
                                   const std::function<bool()> &stop = {});

/// Returns the noise counter at which an evaluation begins; training counts
/// from 0 in other streams.
constexpr std::uint64_t evaluation_step(std::int64_t number) {
  return static_cast<std::uint64_t>(number) << 32;
}
inline constexpr std::uint64_t final_evaluation_step = 1ull << 63;

} // namespace phlox::rl
