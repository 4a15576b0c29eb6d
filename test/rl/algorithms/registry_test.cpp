// Every registered algorithm: its keys, entry points, leaves and metrics.
#include "rl/algorithms/registry.h"
#include "rl/algorithms/settings.h"
#include "test/rl/algorithms/support.h"
#include <algorithm>
#include <gmock/gmock.h>

namespace phlox::rl {
namespace {

using testing::IsSupersetOf;
using testing::UnorderedElementsAre;

const EnvSpec kCheetah = {17, 6, "HalfCheetah-v5"};

int64_t parameters(const std::map<std::string, int64_t> &sizes,
                   const std::string &prefix) {
  int64_t count = 0;
  for (const auto &[name, size] : sizes)
    if (name.starts_with(prefix) && name.find("/adam_") == std::string::npos)
      count += size;
  return count;
}

TEST(Registry, HoldsTheAlgorithmsByName) {
  std::vector<std::string> names;
  for (const Algorithm &algorithm : algorithms())
    names.push_back(algorithm.name);
  EXPECT_TRUE(std::is_sorted(names.begin(), names.end()));
  EXPECT_THAT(names, IsSupersetOf({"sac", "flame-r", "flame-m", "isfm", "fmer",
                                   "td3", "sac-flow", "mfpo", "dacer", "sdac",
                                   "rfm", "dpmd", "fpmd-r", "fpmd-m", "qsm",
                                   "maxentdp", "qvpo", "ppo", "dipo"}));
  EXPECT_EQ(find_algorithm("nothing"), nullptr);
}

TEST(Registry, EveryAlgorithmHasTheContractsEntryPoints) {
  for (const Algorithm &algorithm : algorithms()) {
    SCOPED_TRACE(algorithm.name);
    if (algorithm.experience != Experience::replay)
      continue; // RolloutAlgorithmsHaveTheContractsEntryPoints
    Program program = algorithm.build(kCheetah, {}, {1, 8});
    EXPECT_EQ(program.name(), algorithm.name);
    EXPECT_THAT(test::input_types(program.module(), "init"),
                UnorderedElementsAre(testing::Pair("seed", "tensor<i64>")));
    auto inputs = test::input_types(program.module(), "train_step");
    // improved actions come back for those that were drawn beside the batch
    if (test::output_types(program.module(), "train_step")
            .contains("improved_action")) {
      EXPECT_EQ(inputs["stored_obs"], "tensor<256x17xf32>");
      EXPECT_EQ(inputs["stored_action"], "tensor<256x6xf32>");
      inputs.erase("stored_obs");
      inputs.erase("stored_action");
    }
    EXPECT_THAT(inputs, UnorderedElementsAre(
                            testing::Pair("obs", "tensor<256x17xf32>"),
                            testing::Pair("action", "tensor<256x6xf32>"),
                            testing::Pair("reward", "tensor<256xf32>"),
                            testing::Pair("next_obs", "tensor<256x17xf32>"),
                            testing::Pair("terminated", "tensor<256xf32>")));
    auto metrics = test::output_types(program.module(), "train_step");
    for (const char *tag :
         {"losses/qf1_values", "losses/qf2_values", "losses/qf1_loss",
          "losses/qf2_loss", "losses/qf_loss", "losses/actor_loss",
          "losses/soft_target_mean", "losses/grad_norm_actor",
          "losses/param_norm", "nonfinite"})
      EXPECT_EQ(metrics[tag], "tensor<f32>") << tag;
    // those with its keys have a temperature
    bool soft = std::ranges::any_of(algorithm.schema, [](const auto &entry) {
      return entry["key"] == "alpha.initial";
    });
    EXPECT_EQ(soft || algorithm.name == "td3" || algorithm.name == "qvpo" ||
                  algorithm.name == "dipo",
              true);
    for (const char *tag : {"losses/alpha", "losses/alpha_loss",
                            "losses/entropy", "losses/target_entropy"})
      EXPECT_EQ(metrics.contains(tag), soft) << tag;
    for (const char *entry : {"sample_8", "evaluate_8"}) {
      EXPECT_THAT(test::input_types(program.module(), entry),
                  UnorderedElementsAre(testing::Pair("obs", "tensor<8x17xf32>"),
                                       testing::Pair("step", "tensor<i64>")));
      EXPECT_THAT(
          test::output_types(program.module(), entry),
          UnorderedElementsAre(testing::Pair("action", "tensor<8x6xf32>")));
      EXPECT_THAT(test::written_leaves(program.module(), entry),
                  testing::IsEmpty());
    }
  }
}

// what sample_n gives beside the action is what train_step takes of it
TEST(Registry, RolloutAlgorithmsHaveTheContractsEntryPoints) {
  int found = 0;
  for (const Algorithm &algorithm : algorithms()) {
    if (algorithm.experience != Experience::rollouts)
      continue;
    ++found;
    SCOPED_TRACE(algorithm.name);
    Program program = algorithm.build(
        kCheetah, {{"num_envs", 8}, {"rollout_steps", 16}, {"minibatches", 4}},
        {1, 8});
    auto inputs = test::input_types(program.module(), "train_step");
    for (auto [name, type] : {std::pair{"obs", "tensor<16x8x17xf32>"},
                              {"next_obs", "tensor<16x8x17xf32>"},
                              {"reward", "tensor<16x8xf32>"},
                              {"terminated", "tensor<16x8xf32>"},
                              {"truncated", "tensor<16x8xf32>"},
                              {"progress", "tensor<f32>"},
                              {"order", "tensor<40x32xi32>"}}) {
      EXPECT_EQ(inputs[name], type) << name;
      inputs.erase(name);
    }
    auto acting = test::output_types(program.module(), "sample_8");
    EXPECT_EQ(acting["action"], "tensor<8x6xf32>");
    for (const auto &[name, type] : inputs)
      EXPECT_EQ("tensor<16x" + acting[name].substr(7), type) << name;
    EXPECT_THAT(
        test::output_types(program.module(), "evaluate_8"),
        UnorderedElementsAre(testing::Pair("action", "tensor<8x6xf32>")));
    auto metrics = test::output_types(program.module(), "train_step");
    for (const char *tag :
         {"losses/policy_loss", "losses/value_loss", "losses/entropy",
          "losses/approx_kl", "losses/clipfrac", "losses/explained_variance",
          "losses/grad_norm", "nonfinite"})
      EXPECT_EQ(metrics[tag], "tensor<f32>") << tag;
    for (const char *entry : {"sample_8", "evaluate_8"})
      EXPECT_THAT(test::written_leaves(program.module(), entry),
                  testing::IsEmpty());
  }
  EXPECT_GT(found, 0);
}

TEST(Registry, EveryDefaultIsAcceptedAndEveryPublishedKeyKnown) {
  for (const Algorithm &algorithm : algorithms()) {
    SCOPED_TRACE(algorithm.name);
    EXPECT_NO_THROW(check_schema(algorithm.schema, algorithm.as_published));
    nlohmann::json config;
    for (const auto &entry : algorithm.schema)
      config[entry["key"].get<std::string>()] = entry["default"];
    EXPECT_NO_THROW(algorithm.build(kTask, config, {}));
    EXPECT_NO_THROW(algorithm.build(kTask, algorithm.as_published, {1}));
  }
}

TEST(Registry, PluginsKeysAreChecked) {
  using nlohmann::ordered_json;
  const ordered_json good = {{"key", "beta"}, {"type", "real"},
                             {"default", 1.}, {"doc", "a rate"},
                             {"least", 0.},   {"most", 2.}};
  auto refusal = [](const std::vector<ordered_json> &rows,
                    const nlohmann::json &published) -> std::string {
    try {
      add_plugin("own.so",
                 [&] { Registration({"own", "", rows, published, {}}); });
    } catch (const std::runtime_error &error) {
      return error.what();
    }
    return "";
  };
  auto with = [&](const char *part, const ordered_json &value) {
    ordered_json row = good;
    row[part] = value;
    return refusal({row}, {});
  };
  const std::string start = "own.so: algorithm 'own': ";
  const std::string key = start + "key 'beta' must be ";
  EXPECT_EQ(with("default", 3.), key + "a number from 0 to 2: got 3.0");
  EXPECT_EQ(with("default", {{"x", 1}}),
            start + "key must be one of beta: got 'beta.x'");
  EXPECT_EQ(with("type", "flag"), key + "true or false: got 1.0");
  EXPECT_EQ(with("type", "double"), key + "of type real, real?, integer, flag, "
                                          "choice or sizes: got 'double'");
  EXPECT_THAT(with("doc", ""),
              testing::StartsWith(start + "key 'beta' must have a name and a "
                                          "line of text: got {"));
  for (const std::string &refused : {with("doc", 1), with("type", "choice"),
                                     with("least", "0"), refusal({"beta"}, {})})
    EXPECT_THAT(refused,
                testing::StartsWith(start + "a key's row must have key, type, "
                                            "default, doc and the type's "
                                            "bounds or choices: got "));
  ordered_json word = good;
  word.update({{"type", "choice"}, {"default", "c"}, {"choices", {"a", "b"}}});
  EXPECT_EQ(refusal({word}, {}), key + "one of a, b: got \"c\"");
  EXPECT_EQ(refusal({good, good}, {}),
            start + "key 'beta' must be listed once: got it twice");
  EXPECT_EQ(refusal({good}, {{"beta", -1}}),
            key + "a number from 0 to 2: got -1");
  EXPECT_EQ(refusal({good}, {{"gamma", 1}}),
            start + "key must be one of beta: got 'gamma'");
  EXPECT_EQ(refusal({good}, {"beta"}),
            start + "as_published must be an object: got [\"beta\"]");
  ordered_json below = good;
  below["key"] = "beta.x";
  for (const auto &rows : {std::vector{good, below}, {below, good}})
    EXPECT_EQ(refusal(rows, {}), start + "key 'beta.x' must not lie below "
                                         "another: got key 'beta' too");
  for (const char *name : {"Beta", "be ta", ".beta", "beta.", "b..x", "b\n"})
    EXPECT_THAT(with("key", name),
                testing::StartsWith(start + "key must be a-z, 0-9 and '_', "
                                            "with '.' between parts: got "));
  EXPECT_THAT(with("key", "b\xff"),
              testing::EndsWith("between parts: got \"b\uFFFD\""));
  EXPECT_EQ(find_algorithm("own"), nullptr);
}

TEST(Registry, NetworksHaveTheirStatedSizes) {
  auto r = test::leaf_sizes(find_algorithm("flame-r")->build(kCheetah, {}, {}));
  EXPECT_EQ(parameters(r, "critic/0/"), 137'985);
  EXPECT_EQ(parameters(r, "target_critic/1/"), 137'985);
  EXPECT_EQ(parameters(r, "actor/"), 141'574);
  EXPECT_EQ(parameters(r, "average_actor/"), 141'574);
  auto m = test::leaf_sizes(find_algorithm("flame-m")->build(kCheetah, {}, {}));
  EXPECT_EQ(parameters(m, "actor/"), 143'878);
  EXPECT_EQ(r.at("actor/layer1/weight/adam_m"), 32 * 256);
  EXPECT_EQ(r.at("step"), 1);
}

TEST(Registry, SettingsOfBenchmarksAndSmallTasksCanBeReached) {
  const Algorithm &r = *find_algorithm("flame-r");
  // the peers' step: one Euler step, entropy over 2, everything every step
  EXPECT_NO_THROW(r.build(kTask,
                          {{"solver", "euler"},
                           {"nfe", 1},
                           {"entropy.steps", 2},
                           {"target_particles", 32},
                           {"actor.every", 1},
                           {"alpha.every", 1}},
                          {1}));
  // networks and rates of the linear-quadratic runs
  EXPECT_NO_THROW(r.build(kTask,
                          {{"ema_rate", .02},
                           {"actor.hidden", {64, 64, 64}},
                           {"critic.hidden", {64, 64, 64}},
                           {"actor.lr", 1e-3},
                           {"actor.lr_final", 2e-5},
                           {"actor.lr_begin", 2000},
                           {"actor.lr_steps", 2000},
                           {"critic.lr", 1e-3},
                           {"critic.lr_final", 2e-5},
                           {"critic.lr_steps", 2000},
                           {"alpha.fixed", true},
                           {"alpha.initial", 0.7},
                           {"target_entropy", -1}},
                          {1}));
}

TEST(Registry, RefusesRequestsThatDoNotFit) {
  auto refusal = [](const char *name, const EnvSpec &env,
                    const nlohmann::json &config,
                    const std::vector<int> &acting) -> std::string {
    try {
      find_algorithm(name)->build(env, config, acting);
    } catch (const SettingsError &error) {
      return error.what();
    }
    return "";
  };
  using testing::HasSubstr;
  EXPECT_THAT(refusal("sac", {0, 1, "lqr"}, {}, {}),
              HasSubstr("task 'lqr' must have sizes of 1 or more: got 0 "
                        "observations and 1 actions"));
  EXPECT_THAT(refusal("sac", kTask, {}, {0}),
              HasSubstr("batch size of acting must be 1 or more: got 0"));
  EXPECT_THAT(refusal("sac", kTask, {}, {1, 8, 1}),
              HasSubstr("batch size of acting must be given once: got 1"));
  EXPECT_THAT(
      refusal("sac", kTask, {{"log_std_min", 3}}, {}),
      HasSubstr("key 'log_std_min' must be at most 'log_std_max': got 3 "
                "and 2"));
  EXPECT_THAT(refusal("sac-flow", kTask, {{"log_std_min", 3}}, {}),
              HasSubstr("key 'log_std_min' must be at most 'log_std_max': got "
                        "3 and 2"));
  EXPECT_THAT(
      refusal("dacer", kTask,
              {{"entropy_samples", 2}, {"mixture_components", 3}}, {}),
      HasSubstr("key 'entropy_samples' must be at least 'mixture_components' = "
                "3: got 2"));
  EXPECT_THAT(refusal("flame-r", kTask, {{"nfe", 3}}, {}),
              HasSubstr("key 'nfe' must be even for solver 'midpoint': got 3"));
  for (const char *name : {"flame-r", "flame-m"})
    EXPECT_THAT(refusal(name, kTask, {{"time_max", 1e-4}}, {}),
                HasSubstr("key 'time_min' must be at most 'time_max'"));
}

} // namespace
} // namespace phlox::rl
