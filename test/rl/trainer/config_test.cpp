#include "rl/trainer/config.h"
#include "rl/trainer/errors.h"
#include "test/rl/trainer/run_lqr.h"
#include <gmock/gmock.h>

namespace phlox::rl::test {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::ThrowsMessage;

Schema full_schema() {
  Schema schema = trainer_schema();
  schema.add_json(json::parse(R"([
    {"key": "discount", "type": "float", "default": 0.99, "doc": "per step",
     "min": 0, "max": 1},
    {"key": "actor.lr", "type": "float", "default": 3e-4, "doc": "rate"},
    {"key": "batch", "type": "int", "default": 256, "doc": "rows", "min": 1},
    {"key": "hidden", "type": "int[]", "default": [256, 256], "doc": "units"},
    {"key": "target_entropy", "type": "float|string", "default": "auto",
     "doc": "nats"},
    {"key": "alpha", "type": "float", "default": null, "doc": "fixed value"}
  ])"));
  return schema;
}

auto refuses(const std::string &text) {
  return ThrowsMessage<UsageError>(HasSubstr(text));
}

TEST(Config, LaterLevelsWinWhateverTheOrderOfCalls) {
  Scratch folder;
  std::string file = (folder.path() / "a.toml").string();
  std::string other = (folder.path() / "b.toml").string();
  write_text(file, "seed = 3\nlog.every = 3\nutd = 3\nnum_envs = 3\n"
                   "[actor]\nlr = 3.0\n");
  write_text(other, "num_envs = 4\n");
  Config config(full_schema());
  config.flag("seed", "5", "--seed");
  config.set("log.every=4");
  config.set("seed=4");
  config.file(file);
  config.file(other);
  config.published("utd = 2\ndiscount = 0.9");
  config.checkpoint("discount = 0.8", "checkpoint");
  config.preset("seed = 1\nutd = 1\nlearning_starts = 1", "presets/a.toml");
  config.preset("learning_starts = 2", "presets/a/b.toml");
  EXPECT_EQ(config.at("seed"), 5);
  EXPECT_EQ(config.origin("seed"), "--seed");
  EXPECT_EQ(config.at("log.every"), 4);
  EXPECT_EQ(config.origin("log.every"), "--set");
  EXPECT_EQ(config.at("num_envs"), 4);
  EXPECT_EQ(config.origin("num_envs"), other);
  EXPECT_EQ(config.at("actor.lr"), 3.0);
  EXPECT_EQ(config.origin("actor.lr"), file);
  EXPECT_EQ(config.at("utd"), 3.0);
  EXPECT_EQ(config.at("discount"), 0.9);
  EXPECT_EQ(config.origin("discount"), "--as-published");
  EXPECT_EQ(config.at("learning_starts"), 2);
  EXPECT_EQ(config.origin("learning_starts"), "preset");
  EXPECT_EQ(config.at("batch"), 256);
  EXPECT_EQ(config.origin("batch"), "default");
}

TEST(Config, PrintsWhatReproducesIt) {
  Config config(full_schema());
  config.set("algorithm=sac");
  config.set("env.id=HalfCheetah-v5");
  config.set("env.forward_reward_weight=2");
  config.set("env.\"odd key\"=true");
  config.set("hidden=[64, 32]");
  config.set("target_entropy=-3");
  config.set("stop_after=inf");
  std::string text = config.toml();
  EXPECT_THAT(text, HasSubstr("env.id = \"HalfCheetah-v5\""));
  EXPECT_THAT(text, HasSubstr("discount = 0.99"));
  EXPECT_THAT(text, HasSubstr("# default\n"));
  Scratch folder;
  std::string path = (folder.path() / "config.toml").string();
  write_text(path, text);
  Config again(full_schema());
  again.file(path);
  EXPECT_EQ(again.values(), config.values());
  EXPECT_EQ(again.hash(), config.hash());
  EXPECT_TRUE(differences(config, again).empty());
}

TEST(Config, ExplainsEveryKey) {
  Config config(full_schema());
  config.set("hidden=[64, 32]");
  config.set("env.forward_reward_weight=2");
  const std::string text = config.explanation();
  EXPECT_THAT(text, HasSubstr("env.forward_reward_weight = 2 "));
  EXPECT_THAT(text, HasSubstr("\ndiscount = 0.99"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "\nnum_envs = 1 +# int from 1 to 65536: environments"));
  EXPECT_THAT(text, testing::ContainsRegex(
                        "\ntotal_timesteps = [0-9]+ +# int from 1: env steps"));
  EXPECT_EQ(std::ranges::count(text, '\n'),
            std::ptrdiff_t(config.schema().keys().size() + 1));
  Scratch folder;
  const std::string path = (folder.path() / "config.toml").string();
  write_text(path, text);
  Config again(full_schema());
  again.file(path);
  EXPECT_EQ(again.values(), config.values());
}

TEST(Config, TakesWholeNumbersWrittenAsFloats) {
  Config config(full_schema());
  config.set("total_timesteps=1e6");
  EXPECT_EQ(config.at("total_timesteps"), 1'000'000);
  EXPECT_TRUE(config.at("total_timesteps").is_number_integer());
  config.set("utd = 1");
  EXPECT_TRUE(config.at("utd").is_number_float());
  EXPECT_THAT([&] { config.set("total_timesteps=1.5"); },
              refuses("--set: total_timesteps must be int: got 1.5"));
  EXPECT_THAT([&] { config.set("total_timesteps=1e30"); },
              refuses("total_timesteps must be int"));
  EXPECT_THAT([&] { config.set("num_envs=many"); },
              refuses("num_envs must be int: got \"many\""));
  EXPECT_THAT([&] { config.set("hidden=\xff"); },
              refuses("--set: hidden must be UTF-8: got other bytes"));
  EXPECT_THAT([&] { config.set("num_envs=0"); },
              refuses("num_envs must be from 1 to 65536: got 0"));
  EXPECT_THAT([&] { config.set("discount=nan"); },
              refuses("discount must be from 0 to 1"));
  EXPECT_THAT([&] { config.set("hidden=[1, \"a\"]"); },
              refuses("hidden must be int[]"));
}

TEST(Config, PointsToTheRightKey) {
  Config config(full_schema());
  const std::pair<const char *, const char *> wanted[] = {
      {"gamma=.9", "'gamma'; it is called 'discount' here"},
      {"buffer-size=10", "it is called 'replay.capacity' here"},
      {"policy-lr=1", "it is called 'actor.lr' here"},
      {"train_freq=4", "its inverse is called 'utd' here"},
      {"total_timestep=1", "nearest: 'total_timesteps'"},
      {"log.evry=1", "nearest: 'log.every'"},
      {"capacity=1", "nearest: 'replay.capacity'"},
      {"xyzzy_quux_frobnicate=1",
       "phlox train ALGO --env ENV --explain lists the keys"}};
  for (auto [assignment, text] : wanted)
    EXPECT_THAT([&] { config.set(assignment); }, refuses(text)) << assignment;
  EXPECT_THAT([&] { config.set("utd"); },
              refuses("--set must be KEY=VALUE: got 'utd'"));
}

TEST(Config, NamesFileAndLine) {
  Scratch folder;
  std::string path = (folder.path() / "a.toml").string();
  Config config(full_schema());
  auto file = [&](const char *text) {
    write_text(path, text);
    return [&config, path] { config.file(path); };
  };
  EXPECT_THAT(file("utd = 1\n\nutd = 2\n"), refuses(path + ":3:"));
  EXPECT_THAT(file("utd = \n"), refuses(path + ":1:"));
  EXPECT_THAT(file("utd = 1\ngamma = 1\n"), refuses(path + ":2: key must be"));
  EXPECT_THAT(file("\n[log]\nevery = true\n"),
              refuses(path + ":3: log.every must be int: got true"));
  EXPECT_THAT([&] { config.file(path + ".none"); }, refuses("cannot open"));
  EXPECT_EQ(config.origin("utd"), "default"); // nothing of a bad file stays
}

TEST(Config, HoldsAnArtifactsValues) {
  Config config(full_schema());
  config.artifact({{"batch", 32}, {"discount", .9}, {"other", 1}});
  EXPECT_EQ(config.at("batch"), 32);
  EXPECT_EQ(config.origin("batch"), "artifact");
  Config other(full_schema());
  other.set("batch=64");
  EXPECT_THAT([&] { other.artifact({{"batch", 32}}); },
              refuses("--set: batch must be 32, as the artifact was compiled: "
                      "got 64"));
}

TEST(Config, SaysWhatAResumeWouldChange) {
  Config before(full_schema()), after(full_schema());
  after.checkpoint(before.toml(), "config.toml");
  after.set("total_timesteps=5");
  after.set("discount=0.5");
  auto all = differences(before, after);
  ASSERT_EQ(all.size(), 2u);
  EXPECT_EQ(all[0].key, "discount");
  EXPECT_FALSE(all[0].free);
  EXPECT_EQ(all[1].key, "total_timesteps");
  EXPECT_TRUE(all[1].free);
}

TEST(Config, FillsTheTrainersSettings) {
  Config config(full_schema());
  EXPECT_THAT([&] { trainer_config(config); },
              refuses("algorithm must be set"));
  config.set("algorithm=sac");
  config.set("env.id=lqr");
  config.set("replay.capacity=50");
  config.set("eval.num_envs=3");
  TrainerConfig typed = trainer_config(config);
  EXPECT_EQ(typed.env, "lqr");
  EXPECT_EQ(typed.replay.capacity, 50);
  EXPECT_EQ(typed.eval.num_envs, 3);
  EXPECT_EQ(typed.total_timesteps, 1'000'000);
  EXPECT_EQ(typed.hash.size(), 64u);
  config.set("num_envs=51");
  EXPECT_THAT([&] { trainer_config(config); }, refuses("at least num_envs"));
}

TEST(Schema, RefusesRowsThatDoNotFit) {
  Schema schema = trainer_schema();
  EXPECT_THROW(schema.add({"seed", "int", 1, ""}), std::runtime_error);
  EXPECT_THROW(schema.add({"new", "number", 1, ""}), std::runtime_error);
  EXPECT_THROW(schema.add({"new", "int", "text", ""}), std::runtime_error);
  EXPECT_THROW(schema.add_json(json::parse(R"([{"key": "new"}])")),
               std::runtime_error);
}

} // namespace
} // namespace phlox::rl::test
