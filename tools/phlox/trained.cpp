#include "tools/phlox/trained.h"
#include "rl/json.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/find_checkpoint.h"
#include "rl/trainer/run_clock.h"
#include "rl/trainer/run_folder.h"
#include "tools/phlox/interval.h"
#include "tools/phlox/output.h"
#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <numeric>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

// leaves that follow others of the same path
constexpr std::string_view average_prefix = "average_";

fs::path find_checkpoint(const fs::path &run, const std::string &wanted) {
  return rl::find_checkpoint(run, wanted, warn);
}

rl::Config read_config(const fs::path &run, const rl::Schema &keys) {
  rl::Config config(keys);
  config.checkpoint(rl::read_text(run / "config.toml"),
                    (run / "config.toml").string());
  return config;
}

rl::Config own_config(const fs::path &run) {
  const auto executable = load_executable((run / "artifact.so").string());
  return read_config(run, all_keys(executable.get()));
}

void demand_key(const rl::Config &config, const char *key,
                const std::string &algorithm) {
  if (!config.schema().find(key))
    throw rl::UsageError(
        fmt::format("--{} must be left out for {}: it has no such setting", key,
                    algorithm));
}

} // namespace

void add_trained_options(CLI::App &verb, TrainedWords &words) {
  verb.add_option("RUN_DIR", words.run,
                  "A run folder, or a folder with exactly one")
      ->required();
  verb.add_option("--checkpoint", words.checkpoint,
                  "best, last or an env step [last]");
  verb.add_option("--particles", words.particles,
                  "Candidates that the critics rank; 1 is the honest figure of "
                  "one step [as trained]")
      ->check(CLI::Range(1, 1 << 20));
  verb.add_option("--nfe", words.nfe,
                  "Network evaluations per candidate [as trained]")
      ->check(CLI::Range(1, 1 << 20));
  add_plugin_option(verb, words.plugins);
  verb.add_flag("--no-ema", words.raw,
                "Act with the last parameters instead of their average");
}

Trained::Trained(const TrainedWords &words)
    : Trained(words, rl::find_run(words.run)) {}

Trained::Trained(const TrainedWords &words, fs::path folder)
    : run(std::move(folder)),
      checkpoint(find_checkpoint(run, words.checkpoint)),
      config(own_config(run)), settings(rl::trainer_config(config)),
      num_envs(words.num_envs > 0 ? words.num_envs : settings.eval.num_envs),
      threads(words.threads >= 0 ? words.threads : settings.threads),
      executable(load(words)), program(executable.get(), threads) {
  rl::check(phlox_state_load(program.state(),
                             (checkpoint / "arena.safetensors").c_str()));
  averaged = has_averages();
  noisy = words.noisy;
  if (words.raw)
    use_raw_parameters();
  read_counters();
}

Executable Trained::load(const TrainedWords &words) {
  Executable own = load_executable((run / "artifact.so").string());
  if (!words.particles && !words.nfe)
    return own;
  // the same leaves in another program
  PluginWords plugins = words.plugins;
  plugins.trained_with = plugin_of_run(run);
  load_plugins(plugins);
  const bool rollouts =
      rl::learns_from_rollouts(*phlox_executable_table_of(own.get()));
  config = read_config(
      run, joined_keys(rollouts, algorithm_keys(settings.algorithm)));
  Words compiled;
  compiled.algorithm = settings.algorithm;
  compiled.env = settings.env;
  compiled.precision = options_of(own.get()).value("precision", "high");
  for (const auto &[key, value] :
       {std::pair("particles", words.particles), std::pair("nfe", words.nfe)})
    if (value) {
      demand_key(config, key, settings.algorithm);
      config.set(fmt::format("{}={}", key, value));
    }
  CompileRequest request = compile_request(compiled, config);
  request.acting = {1};
  if (num_envs != 1)
    request.acting.push_back(num_envs);
  return load_executable(cached_artifact(request).first);
}

bool Trained::has_averages() const {
  const auto &table = program.table();
  return std::any_of(table.leaves, table.leaves + table.leaf_count,
                     [](const phlox_tensor &leaf) {
                       return std::string_view(leaf.name).starts_with(
                           average_prefix);
                     });
}

void Trained::use_raw_parameters() {
  if (!averaged)
    throw rl::UsageError(fmt::format(
        "--no-ema must be left out for {}: it acts without averages",
        settings.algorithm));
  averaged = false;
  const auto &table = program.table();
  for (std::uint32_t i = 0; i < table.leaf_count; i++) {
    const std::string name = table.leaves[i].name;
    if (!name.starts_with(average_prefix))
      continue;
    const phlox_tensor *desc = nullptr;
    void *from = nullptr, *to = nullptr;
    rl::check(phlox_state_leaf(program.state(),
                               name.substr(average_prefix.size()).c_str(),
                               &desc, &from));
    rl::check(phlox_state_leaf(program.state(), name.c_str(), nullptr, &to));
    std::memcpy(to, from, std::min(desc->bytes, table.leaves[i].bytes));
  }
}

void Trained::read_counters() {
  const auto saved = rl::parse_json(rl::read_text(checkpoint / "trainer.json"));
  const auto &counters = saved.is_object() && saved.contains("counters")
                             ? saved["counters"]
                             : saved;
  if (!counters.is_object())
    throw std::runtime_error(
        fmt::format("{}: must hold counters: got none",
                    (checkpoint / "trainer.json").string()));
  env_step = counters.value("env_step", std::int64_t{0});
  update = counters.value("update", std::int64_t{0});
}

envs::VectorEnv Trained::environments(int n, const std::string &purpose) {
  auto made = envs::make_vector_env(settings.env, env_kwargs(config), n,
                                    settings.seed, purpose, program.threads());
  if (made.obs_size() != program.obs_size() ||
      made.action_size() != program.action_size())
    throw std::runtime_error(fmt::format(
        "{} must have observations of {} and actions of {}, as the artifact "
        "has: got {} and {}",
        settings.env, program.obs_size(), program.action_size(),
        made.obs_size(), made.action_size()));
  return made;
}

rl::Evaluation Trained::evaluate(int episodes) {
  rl::Actor act = actor(num_envs);
  rl::EnvironmentHolder<envs::VectorEnv> env(
      std::make_unique<envs::VectorEnv>(environments(num_envs, "eval/final")));
  auto evaluation =
      *rl::evaluate(act, env, episodes, rl::final_evaluation_step);
  if (evaluation.broken > 0)
    warn(rl::broken_line(evaluation.broken));
  return evaluation;
}

double Trained::sample_microseconds() {
  constexpr int calls = 101;
  rl::Actor act = actor(1);
  const std::vector<float> obs(program.obs_size());
  std::vector<float> action(program.action_size());
  std::vector<double> seconds(calls);
  for (double &one : seconds) {
    rl::RunClock clock;
    act.act(obs, rl::final_evaluation_step, action);
    one = clock.here();
  }
  std::nth_element(seconds.begin(), seconds.begin() + calls / 2, seconds.end());
  return seconds[calls / 2] * 1e6;
}

Json Trained::describe() const {
  auto setting = [&](const char *key) {
    return config.schema().find(key) ? config.at(key).get<std::int64_t>() : 1;
  };
  const std::int64_t particles = setting("particles"), nfe = setting("nfe");
  return {{"run", run.string()},
          {"algorithm", settings.algorithm},
          {"env", settings.env},
          {"seed", settings.seed},
          {"checkpoint", checkpoint.filename().string()},
          {"env_step", env_step},
          {"update", update},
          {"num_envs", num_envs},
          {"averaged", averaged},
          {"noisy", noisy},
          {"particles", particles},
          {"nfe", nfe},
          {"network_evaluations", particles * nfe}};
}

Json describe(const rl::Evaluation &evaluation) {
  const auto &returns = evaluation.returns;
  const auto summary = rl::summarize(returns);
  const auto [low, high] = mean_interval(returns);
  const double steps = std::accumulate(evaluation.lengths.begin(),
                                       evaluation.lengths.end(), 0.0);
  Json result = {
      {"episodes", returns.size()},
      {"mean", summary.mean},
      {"sd", summary.sd},
      {"iqm", summary.iqm},
      {"min", summary.min},
      {"max", summary.max},
      {"interval", {low, high}},
      {"interval_of", fmt::format("mean, 95 % percentile bootstrap, {} "
                                  "resamples",
                                  bootstrap_resamples)},
      {"length", steps / static_cast<double>(returns.size())},
      {"steps_per_second", steps / evaluation.seconds},
      {"sim_warnings", evaluation.broken},
      {"returns", returns},
      {"lengths", evaluation.lengths}};
  if (!evaluation.success.empty()) {
    result["success"] = rl::mean_success(evaluation);
    result["successes"] = evaluation.success;
  }
  if (!evaluation.final_obs.empty()) {
    result["first_actions"] = evaluation.first_actions;
    result["final_obs"] = evaluation.final_obs;
  }
  const std::vector<double> parts = rl::mean_parts(evaluation);
  for (std::size_t k = 0; k < parts.size(); k++)
    result["reward_parts"][evaluation.part_names[k]] = parts[k];
  return result;
}

} // namespace phlox::tools
