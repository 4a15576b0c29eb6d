// What isfm.cpp's header numbers of its own; flow_policy_test.cpp has what
// flow policies number in common, candidates_test.cpp the proposals.
#include "rl/algorithms/candidates.h"
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using test::Tensors;
using Numbers = std::vector<double>;

// a network of the stored state at one input, in f64 from the formula alone
Numbers network(const StoredProgram &program, const std::string &name,
                Numbers x) {
  for (int layer = 1; layer <= 3; ++layer) {
    std::string leaf = "leaf:" + name + "/layer" + std::to_string(layer);
    const Numbers &w = program.step.arguments.at(leaf + "/weight").reals;
    Numbers y = program.step.arguments.at(leaf + "/bias").reals;
    for (size_t j = 0; j < y.size(); ++j) {
      for (size_t i = 0; i < x.size(); ++i)
        y[j] += x[i] * w[i * y.size() + j];
      if (layer < 3)
        y[j] *= std::tanh(std::log1p(std::exp(y[j])));
    }
    x = y;
  }
  return x;
}

// the policy loss on K = 5 weighted proposals from the box, written out
double direct_loss(StoredProgram &program, bool plain) {
  double alpha = std::exp(program.argument("leaf:log_alpha")[0]);
  auto number = [&](const char *name, int64_t at) {
    return program.argument(name)[size_t(at)];
  };
  double total = 0, evidence_sum = 0;
  for (int64_t b = 0; b < 6; ++b) {
    double evidence = 0, loss = 0;
    Numbers obs;
    for (int64_t i = 0; i < 3; ++i)
      obs.push_back(number("obs", b * 3 + i));
    for (int64_t k = 0; k < 5; ++k) {
      Numbers with_action = obs, with_point = obs, wanted;
      double t = number("train_step/time", b * 5 + k);
      for (int64_t i = 0; i < 2; ++i) {
        int64_t at = (b * 5 + k) * 2 + i;
        double a = 2 * number("train_step/proposal", at) - 1;
        double noise = .6 * number("train_step/path", at);
        with_action.push_back(a);
        with_point.push_back(t * a + (1 - t) * noise);
        wanted.push_back(a - noise);
      }
      with_point.push_back(t);
      for (auto wave : {+[](double x) { return std::sin(x); },
                        +[](double x) { return std::cos(x); }})
        for (int frequency = 1; frequency <= 4; ++frequency)
          with_point.push_back(wave(M_PI * frequency * t));
      double q = std::min(network(program, "critic/0", with_action)[0],
                          network(program, "critic/1", with_action)[0]);
      double weight = std::exp(q / alpha), error = 0;
      Numbers v = network(program, "actor", with_point);
      for (int64_t i = 0; i < 2; ++i)
        error += std::pow(v[i] - wanted[i], 2) / 2;
      evidence += weight;
      loss += weight * error;
    }
    total += plain ? loss : loss / evidence / 6;
    evidence_sum += evidence;
  }
  return plain ? total / evidence_sum : total;
}

TEST(Isfm, LossEqualsTheSumWrittenOut) {
  StoredProgram program("isfm", {{"proposal", "box"}, {"resampled", 0}});
  double expected = direct_loss(program, false);
  EXPECT_NEAR(program.metric("losses/flow_loss"), expected, 1e-6 * expected);
}

TEST(Isfm, PlainWeights) {
  StoredProgram program(
      "isfm", {{"proposal", "box"}, {"resampled", 0}, {"weights", "plain"}});
  double expected = direct_loss(program, true);
  EXPECT_NEAR(program.metric("losses/flow_loss"), expected, 1e-6 * expected);
  EXPECT_GT(std::abs(expected - direct_loss(program, false)), .01 * expected);
  // values of which no exponential exists
  for (const char *leaf :
       {"leaf:critic/0/layer3/bias", "leaf:critic/1/layer3/bias"})
    program.argument(leaf) = {3000};
  EXPECT_EQ(program.metric("nonfinite"), 0);
}

TEST(Isfm, ResamplingHasTheWeightedSumAsItsMean) {
  // one draw per state at the middle of each of many equal steps of u
  StoredProgram all("isfm", {{"proposal", "box"}, {"resampled", 0}});
  StoredProgram one("isfm", {{"proposal", "box"}, {"resampled", 1}});
  // equal times and noise for all proposals of a state
  for (StoredProgram *program : {&all, &one}) {
    auto &time = program->argument("train_step/time");
    time.assign(time.size(), .4);
    auto &path = program->argument("train_step/path");
    path.assign(path.size(), .3);
    program->argument("train_step/proposal") =
        all.argument("train_step/proposal");
  }
  constexpr int steps = 500;
  double mean = 0;
  for (int i = 0; i < steps; ++i) {
    one.argument("train_step/resample").assign(6, (i + .5) / steps);
    mean += one.metric("losses/flow_loss") / steps;
  }
  double expected = all.metric("losses/flow_loss");
  EXPECT_NEAR(mean, expected, .01 * expected);
}

TEST(Isfm, OutsideHasNoWeight) {
  // base noise so wide that most of the policy's draws leave the box
  constexpr int64_t rows = 64, count = 16;
  Tensors outputs = test::run_traced([](Entry &e) {
    Key key(e.count(1), e.count(0), "f");
    FlowProposal still;
    still.policy = [](const Tensor &) {
      return velocity_flow(
          [](const Tensor &x, const Tensor &) { return x * 0; }, "euler");
    };
    still.base_std = still.density_std = 1;
    still.entropy.trace = "exact";
    Candidates drawn =
        policy_candidates(still, fill(e.scalar(0), {rows, 1}, 0), count, key);
    Importance found = importance(sum(drawn.actions, -1), drawn, e.scalar(1));
    e.output("actions", drawn.actions);
    e.output("weights", found.weights);
    e.output("log_density", drawn.log_density);
  });
  int outside = 0;
  for (size_t i = 0; i < rows * count; ++i) {
    double a = outputs.at("actions").reals[i];
    ASSERT_LE(std::abs(a), 1);
    if (std::abs(a) < 1)
      EXPECT_NEAR(outputs.at("log_density").reals[i],
                  -.5 * std::log(2 * M_PI) - a * a / 2, 1e-6);
    else
      EXPECT_EQ(outputs.at("weights").reals[i], 0);
    outside += std::abs(a) == 1;
  }
  EXPECT_NEAR(outside, .3173 * rows * count, 60);
}

TEST(Isfm, DefensiveMixture) {
  auto chosen = [](int64_t actions, const nlohmann::json &settings) {
    Program program =
        find_algorithm("isfm")->build({3, actions, "test"}, settings, {});
    auto module = test::explicit_noise(program);
    auto inputs = test::input_types(*module, "train_step");
    return std::pair(inputs.contains("train_step/proposal"),
                     inputs.contains("train_step/proposal_base"));
  };
  EXPECT_EQ(chosen(3, {}), std::pair(true, false));
  EXPECT_EQ(chosen(4, {}), std::pair(true, true));
  EXPECT_EQ(chosen(3, {{"proposal", "policy"}}), std::pair(false, true));
  EXPECT_EQ(box_count(64, .5), 32);
  EXPECT_EQ(box_count(64, 0), 1);
  EXPECT_EQ(box_count(64, 1), 63);
  for (double share : {0., 1.}) // which are the policy and the box
    EXPECT_THROW(chosen(4, {{"box_share", share}}), SettingsError);
}

TEST(Isfm, ProposalSteps) {
  StoredProgram one("isfm", {{"proposal_steps", 1}});
  StoredProgram all("isfm", {{"proposal_steps", 0}, {"nfe", 8}});
  EXPECT_EQ(
      one.step.arguments.at("train_step/proposal_probe").type.getDimSize(0), 1);
  EXPECT_EQ(
      all.step.arguments.at("train_step/proposal_probe").type.getDimSize(0), 4);
  EXPECT_EQ(one.metric("nonfinite") + all.metric("nonfinite"), 0);
}

TEST(Isfm, ProposalProbes) {
  auto probes = [](int64_t actions, const nlohmann::json &settings) {
    Program program =
        find_algorithm("isfm")->build({3, actions, "test"}, settings, {});
    auto module = test::explicit_noise(program);
    auto inputs = test::input_types(*module, "train_step");
    return std::pair(inputs["train_step/proposal_probe"],
                     inputs["train_step/proposal_back"]);
  };
  nlohmann::json few = {{"batch", 2}, {"proposals", 6}};
  EXPECT_EQ(probes(4, few), std::pair(std::string(), std::string()));
  EXPECT_EQ(probes(5, few), std::pair(std::string("tensor<4x6x4x5xf32>"),
                                      std::string("tensor<4x6x4x5xf32>")));
  few["proposal_probes"] = 1;
  EXPECT_EQ(probes(5, few).first, "tensor<4x6x5xf32>");
}

TEST(Isfm, Truncated) {
  // a wide Gaussian is the box; a narrow one is another proposal
  StoredProgram box("isfm", {{"proposal", "box"}});
  StoredProgram wide("isfm",
                     {{"proposal", "gaussian"}, {"proposal_std", 100.}});
  StoredProgram narrow("isfm",
                       {{"proposal", "gaussian"}, {"proposal_std", .2}});
  for (StoredProgram *program : {&wide, &narrow})
    program->argument("train_step/proposal") =
        box.argument("train_step/proposal");
  double expected = box.metric("losses/flow_loss");
  EXPECT_NEAR(wide.metric("losses/flow_loss"), expected, 1e-3 * expected);
  EXPECT_GT(std::abs(narrow.metric("losses/flow_loss") - expected),
            .01 * expected);
}

} // namespace
} // namespace phlox::rl
