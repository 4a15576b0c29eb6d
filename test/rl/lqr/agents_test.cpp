// Whole algorithms against the closed form: one state and one control, and two
// of each. First their critics regress on the optimal Q (section T6), then they
// learn it from what the policy's environments show (section T7).
#include "test/support/lqr_agent.h"
#include <gtest/gtest.h>

namespace phlox::test {
namespace {

struct Row {
  const char *name, *algorithm;
  bool pair;
  int updates;
  nlohmann::json settings;
  double mean = 0; // the largest error allowed, half-widths of the box
  friend void PrintTo(const Row &row, std::ostream *out) { *out << row.name; }
};

class LqrAgents : public testing::TestWithParam<Row> {
protected:
  const Row &row = GetParam();
  LqrTask task = row.pair ? pair_lqr() : scalar_lqr();
  LqrAgent agent{task, row.algorithm, row.settings, row.updates};

  LqrReport report() {
    LqrReport found = agent.report();
    std::printf("%s: mean %.4f, covariance %.1f %%, entropy %+.4f, V* - V "
                "%.4f\n",
                row.name, found.mean_error, 100 * found.covariance_error,
                found.entropy_error, found.value_gap);
    return found;
  }
};

class Policies : public LqrAgents {};

TEST_P(Policies, ReachTheOptimum) {
  agent.learn_values(row.updates);
  const LqrReport found = report();
  EXPECT_LE(found.mean_error, row.mean);
  EXPECT_LE(found.covariance_error, .08); // of the optimum's norm
}

class Values : public LqrAgents {};

TEST_P(Values, ReachTheOptimum) {
  agent.learn_task(row.updates - row.updates / 10);
  agent.forget_metrics();
  agent.learn_task(row.updates / 10);
  report();
  const std::vector<double> zero(task.states_size());
  const double exact = task.solution.box_value(zero, task.scale);
  const double value = agent.value(zero, agent.metric("losses/entropy"));
  std::printf("%s: V(0) %.4f, exact %.4f\n", row.name, value, exact);
  EXPECT_NEAR(value / exact, 1, .025);
}

// The pair's box is smaller, 4 instead of 6: the same error in the controls is
// a larger share of it.
constexpr double wide = 6. / 4;

const nlohmann::json deep = {{"critic.hidden", {64, 64, 64}}};

const nlohmann::json more = {
    {"critic.hidden", {64, 64, 64}}, {"batch", 64}, {"proposals", 128}};

// many proposals for few states: too few of them bias the weighted mean
nlohmann::json isfm(const char *proposal, int proposals, int batch) {
  return {{"batch", batch},
          {"proposals", proposals},
          {"proposal", proposal},
          {"entropy.trace", "exact"}};
}

const Row policies[] = {
    {"sac", "sac", false, 4000, {}, .01},
    {"flame_r", "flame-r", false, 4000, deep, .01},
    {"flame_m", "flame-m", false, 16'000, deep, .015},
    {"isfm_box", "isfm", false, 4000, isfm("box", 128, 32), .01},
    {"isfm_mixture", "isfm", false, 4000, isfm("mixture", 32, 32), .01},
    {"sac_pair", "sac", true, 8000, {}, .01 * wide},
    {"flame_r_pair", "flame-r", true, 8000, more, .01 * wide},
    {"flame_m_pair", "flame-m", true, 16'000, deep, .015 * wide},
    {"isfm_box_pair", "isfm", true, 4000, isfm("box", 128, 32), .01 * wide},
    {"isfm_mixture_pair", "isfm", true, 8000, isfm("mixture", 32, 32),
     .01 * wide}};

std::string name_of(const testing::TestParamInfo<Row> &info) {
  return info.param.name;
}

INSTANTIATE_TEST_SUITE_P(Lqr, Policies, testing::ValuesIn(policies), name_of);

// Larger batches than above: noise of the critics is pessimism of their
// minimum. At higher rates they forget sooner what the first policies made of
// the task.
nlohmann::json quick(const nlohmann::json &more = nlohmann::json::object()) {
  nlohmann::json settings = {{"batch", 256}, {"critic.lr", 3e-3}};
  settings.update(more);
  return settings;
}

// The policy learns, and the averages follow, at every fourth update. Over n
// such turns a constant relaxes by exp(-ema_rate (1 - discount) n); what is
// left of it is below 1 % in each row.
nlohmann::json quarter(double rate, const nlohmann::json &more) {
  nlohmann::json settings = {
      {"critic.lr", rate}, {"actor.every", 4}, {"ema_rate", .04}, {"nfe", 12}};
  settings.update(more);
  return quick(settings);
}

const Row values[] = {
    {"sac", "sac", false, 10'000, quick()},
    {"flame_r", "flame-r", false, 16'000, quick({{"actor.every", 2}})},
    {"flame_m", "flame-m", false, 20'000, {{"batch", 256}, {"ema_rate", .05}}},
    {"isfm_box", "isfm", false, 10'000, quick(isfm("box", 32, 256))},
    {"isfm_mixture", "isfm", false, 16'000,
     quarter(3e-3, isfm("mixture", 16, 256))},
    {"sac_pair", "sac", true, 10'000, quick({{"ema_rate", .01}})},
    {"flame_r_pair", "flame-r", true, 12'000,
     quarter(2e-3, {{"proposals", 128}})},
    {"flame_m_pair", "flame-m", true, 10'000, quick({{"ema_rate", .01}})},
    {"isfm_box_pair", "isfm", true, 12'000,
     quarter(2e-3, isfm("box", 64, 256))},
    {"isfm_mixture_pair", "isfm", true, 12'000,
     quarter(2e-3, isfm("mixture", 16, 256))}};

INSTANTIATE_TEST_SUITE_P(Lqr, Values, testing::ValuesIn(values), name_of);

// A policy of a quarter of the best deviation, a sixteenth of the variance: it
// grows by its own tails only. After 100 updates it had 0.19 of the variance,
// with half of the proposals from the box 0.56.
TEST(NarrowPolicy, ConfirmsItself) {
  const LqrTask task = scalar_lqr();
  auto spread = [&](const char *proposal, int more) {
    LqrAgent agent(task, "isfm",
                   {{"batch", 64},
                    {"proposals", 16},
                    {"proposal", proposal},
                    {"alpha.initial", task.problem.alpha / 16}},
                   8000);
    agent.learn_values(1000);
    agent.set_alpha(task.problem.alpha);
    agent.learn_values(more);
    const double found = agent.report().covariance(0, 0) * task.scale *
                         task.scale / task.solution.covariance(0, 0);
    std::printf("%s: variance %.2f of the best\n", proposal, found);
    return found;
  };
  EXPECT_LT(spread("policy", 100), .3);
  EXPECT_GT(spread("mixture", 100), .4);
}

} // namespace
} // namespace phlox::test
