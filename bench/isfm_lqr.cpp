// What importance-sampling flow matching learns on linear-quadratic tasks whose
// soft-optimal policy is known: for each proposal the learned actions against
// the optimal ones, effective sample sizes against theory, and the other
// algorithms beside. Writes isfm-lqr.md and isfm-lqr.svg.
//
// Usage: isfm_lqr FOLDER [--updates N] [--problem FILE]
#include "bench/isfm_lqr.h"
#include "test/support/gaussian_ess.h"
#include <CLI/CLI.hpp>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <random>

namespace phlox::bench {
namespace {

using envs::Matrix;
using nlohmann::json;
using test::LqrAgent;
using test::LqrTask;

constexpr int count = 64, rows = 32; // proposals per state, batch

Matrix in_box(const LqrTask &task) {
  return 1 / (task.scale * task.scale) * task.solution.covariance;
}

// covariance of ten midpoint steps along the exact velocity against the target
double sampler_bias(const Matrix &target, double base) {
  const int m = target.rows, steps = 10;
  const Matrix one = envs::identity(m);
  Matrix moved = one;
  auto slope = [&](double t) {
    const double noise = (1 - t) * (1 - t) * base * base;
    const Matrix spread = t * t * target + noise * one;
    return (t * target + -(1 - t) * base * base * one) *
           cholesky_inverse(cholesky(spread));
  };
  for (int k = 0; k < steps; ++k) {
    const double t = k / double(steps), h = 1. / steps;
    moved = (one + h * (slope(t + h / 2) * (one + h / 2 * slope(t)))) * moved;
  }
  const Matrix end = base * base * (moved * transposed(moved));
  double wrong = 0, size = 0;
  for (std::size_t i = 0; i < end.numbers.size(); ++i) {
    wrong += std::pow(end.numbers[i] - target.numbers[i], 2);
    size += std::pow(target.numbers[i], 2);
  }
  return std::sqrt(wrong / size);
}

// the share of candidates that theory says, for a learned covariance
double theory(const LqrTask &task, const std::string &proposal, double std,
              const Matrix &learned) {
  const Matrix best = in_box(task);
  if (proposal == "box")
    return test::ess_of_box(best, 2);
  if (proposal == "policy")
    return test::ess_of_gaussian(best, learned, std::vector<double>(best.rows));
  if (proposal == "mixture")
    return test::ess_of_mixture(best, learned, 2, .5);
  // the Gaussian's middle is that of the box: the mean over states
  const Matrix wide = std * std * envs::identity(best.rows);
  std::mt19937 generator(1);
  std::uniform_real_distribution<double> place(-task.range, task.range);
  double mean = 0;
  constexpr int states = 2000;
  for (int k = 0; k < states; ++k) {
    Matrix x(task.states_size(), 1);
    for (double &number : x.numbers)
      number = place(generator);
    const Matrix off = 1 / task.scale * (task.solution.K * x);
    mean += test::ess_of_gaussian(best, wide, off.numbers) / states;
  }
  return mean;
}

Trained train(const LqrTask &task, const std::string &algorithm,
              const json &settings, int updates) {
  LqrAgent agent(task, algorithm, settings, updates);
  agent.learn_values(updates - updates / 10);
  agent.forget_metrics();
  agent.learn_values(updates / 10);
  Trained found;
  found.algorithm = algorithm;
  found.updates = updates;
  found.report = agent.report();
  found.ess = algorithm == "isfm" ? agent.metric("losses/ess_mean") / count : 0;
  found.actions = agent.actions(task.states[0]);
  return found;
}

std::vector<Trained> proposals(const LqrTask &task, int updates) {
  std::vector<Trained> all;
  for (const char *proposal : {"box", "gaussian", "policy", "mixture"})
    for (const char *weights : {"normalised", "plain"}) {
      // wide enough for the means of all states
      const double std = .3;
      all.push_back(train(task, "isfm",
                          {{"batch", rows},
                           {"proposals", count},
                           {"proposal", proposal},
                           {"proposal_std", std},
                           {"entropy.trace", "exact"},
                           {"weights", weights}},
                          updates));
      all.back().proposal = proposal;
      all.back().weights = weights;
      all.back().theory =
          theory(task, proposal, std, all.back().report.covariance);
      fmt::print(stderr, "isfm {} {}\n", proposal, weights);
    }
  return all;
}

// a policy of a quarter of the deviation, then the temperature of the task
std::vector<Widening> widenings(const LqrTask &task, int updates) {
  std::vector<Widening> all;
  for (const char *proposal : {"policy", "mixture", "box"}) {
    LqrAgent agent(task, "isfm",
                   {{"batch", rows},
                    {"proposals", count},
                    {"proposal", proposal},
                    {"entropy.trace", "exact"},
                    {"alpha.initial", task.problem.alpha / 16}},
                   4 * updates);
    Widening row{proposal, {}, {}, {}};
    agent.learn_values(updates);
    agent.set_alpha(task.problem.alpha);
    int done = 0;
    for (const int more : {0, updates / 20, updates / 4, updates}) {
      agent.learn_values(more);
      agent.forget_metrics();
      const auto report = agent.report();
      row.updates.push_back(done += more);
      row.spread.push_back(report.covariance(0, 0) / in_box(task)(0, 0));
      agent.learn_values(updates / 100);
      done += updates / 100;
      row.ess.push_back(agent.metric("losses/ess_mean") / count);
    }
    all.push_back(row);
    fmt::print(stderr, "widening {}\n", proposal);
  }
  return all;
}

// with longer budgets, and what it takes to stay within 8 % of the covariance
std::vector<Trained> longer(const LqrTask &task, int updates) {
  const double midpoint = sampler_bias(in_box(task), .5);
  const json layers = {64, 64, 64};
  std::vector<Trained> all;
  auto add = [&](const char *algorithm, const char *proposal, int times,
                 int proposals, int batch, double bias, json settings) {
    settings["batch"] = batch;
    if (proposals)
      settings["proposals"] = proposals;
    if (*proposal)
      settings.update({{"proposal", proposal}, {"entropy.trace", "exact"}});
    all.push_back(train(task, algorithm, settings, times * updates));
    Trained &row = all.back();
    row.proposal = proposal;
    row.per_state = proposals;
    row.batch = batch;
    row.sampler_bias = bias;
    fmt::print(stderr, "{} {}\n", algorithm, proposal);
  };
  add("sac", "", 2, 0, 128, 0, json::object());
  add("flame-r", "", 2, 128, 64, midpoint, {{"critic.hidden", layers}});
  // one step of the average velocity loses nothing
  add("flame-m", "", 4, 64, 128, 0, {{"critic.hidden", layers}});
  add("isfm", "box", 2, 128, 32, midpoint, json::object());
  add("isfm", "mixture", 2, 32, 32, midpoint, json::object());
  return all;
}

Matrix matrix(const json &rows_of) {
  Matrix found(static_cast<int>(rows_of.size()),
               static_cast<int>(rows_of.at(0).size()));
  for (int i = 0; i < found.rows; ++i)
    for (int j = 0; j < found.cols; ++j)
      found(i, j) = rows_of.at(i).at(j).get<double>();
  return found;
}

// keys as the keyword arguments of the task `lqr`, all matrices by rows
LqrTask read(const std::string &path) {
  std::ifstream file(path);
  const json found = json::parse(file);
  LqrTask task{{matrix(found.at("A")), matrix(found.at("B")),
                matrix(found.at("Q")), matrix(found.at("R")),
                matrix(found.at("W")), found.at("discount").get<double>(),
                found.at("alpha").get<double>()},
               found.value("action_scale", 6.),
               found.value("x0_range", 2.),
               {}};
  const int n = task.states_size();
  task.states.emplace_back(n, 0.);
  for (int i = 0; i < n; ++i) {
    task.states.emplace_back(n, 0.);
    task.states.back()[i] = task.range / 2;
  }
  return task;
}

Study study(const std::string &title, const LqrTask &task, int updates,
            bool whole) {
  Study found{title, task, proposals(task, updates), {}, {}};
  found.narrow = widenings(task, updates);
  if (whole)
    found.longer = longer(task, updates);
  return found;
}

void write(const std::filesystem::path &path, const std::string &text) {
  std::ofstream file(path);
  if (!(file << text).flush())
    throw std::runtime_error(
        fmt::format("{} must be writable: got an error", path.string()));
}

} // namespace
} // namespace phlox::bench

int main(int argc, char **argv) {
  using namespace phlox::bench;
  CLI::App app{"Importance-sampling flow matching on linear-quadratic tasks"};
  std::string folder, problem;
  int updates = 4000;
  app.add_option("FOLDER", folder, "Where the page goes")->required();
  app.add_option("--updates", updates, "Of each policy [4000]")
      ->check(CLI::Range(200, 10'000'000));
  app.add_option("--problem", problem,
                 "JSON of a task of your own: A, B, Q, R, W by rows, discount, "
                 "alpha, action_scale, x0_range")
      ->check(CLI::ExistingFile);
  CLI11_PARSE(app, argc, argv);
  try {
    std::vector<Study> studies;
    if (problem.empty()) {
      studies.push_back(study("One state, one control",
                              phlox::test::scalar_lqr(), updates, true));
      studies.push_back(study("Two states, two controls",
                              phlox::test::pair_lqr(), updates, true));
    } else {
      studies.push_back(study(problem, read(problem), updates, false));
    }
    write(std::filesystem::path(folder) / "isfm-lqr.md",
          page(studies, updates, count, rows));
    write(std::filesystem::path(folder) / "isfm-lqr.svg", drawing(studies));
  } catch (const std::exception &error) {
    fmt::print(stderr, "isfm_lqr: {}\n", error.what());
    return 1;
  }
}
