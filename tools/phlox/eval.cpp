// phlox eval: episodes of a run's averaged policy, without exploration noise.
#include "envs/registry.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/config.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/evaluation.h"
#include "rl/trainer/run_folder.h"
#include "runtime/sha256.h"
#include "tools/phlox/interval.h"
#include "tools/phlox/setup.h"
#include "tools/phlox/verbs.h"
#include <filesystem>
#include <fmt/core.h>
#include <numeric>
#include <sstream>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Arguments {
  std::string run, checkpoint = "last", json, video;
  int episodes = 100, num_envs = 0, threads = -1;
};

std::string checkpoint_name(const fs::path &folder, const std::string &wanted) {
  if (wanted == "best")
    return wanted;
  if (wanted != "last") {
    if (wanted.empty() || wanted.size() > 18 ||
        wanted.find_first_not_of("0123456789") != wanted.npos)
      throw rl::UsageError(fmt::format(
          "--checkpoint must be best, last or an env step: got '{}'", wanted));
    return fmt::format("{:09}", std::stoll(wanted));
  }
  if (!fs::exists(folder / "LATEST"))
    throw std::runtime_error(
        fmt::format("{}: must hold a checkpoint: got none", folder.string()));
  std::string name = rl::read_text(folder / "LATEST");
  while (!name.empty() && (name.back() == '\n' || name.back() == ' '))
    name.pop_back();
  if (name.find('/') != name.npos)
    throw std::runtime_error(fmt::format("{}: must name a checkpoint: got '{}'",
                                         (folder / "LATEST").string(), name));
  return name;
}

fs::path find_checkpoint(const fs::path &run, const std::string &wanted) {
  const fs::path folder = run / "checkpoints";
  const fs::path found = folder / checkpoint_name(folder, wanted);
  if (fs::exists(found / "arena.safetensors"))
    return found;
  std::string known;
  std::error_code ignored;
  for (const auto &entry : fs::directory_iterator(folder, ignored))
    if (fs::exists(entry.path() / "arena.safetensors", ignored) &&
        !entry.path().filename().string().starts_with("."))
      known += (known.empty() ? "" : ", ") + entry.path().filename().string();
  throw rl::UsageError(fmt::format(
      "checkpoint must be one of {}: got '{}'",
      known.empty() ? "those in the folder (none)" : known, wanted));
}

// the sum that was written last vouches for the state
void verify(const fs::path &checkpoint, const std::string &file) {
  std::istringstream lines(rl::read_text(checkpoint / "SUMS"));
  std::string sum, bytes, name;
  while (lines >> sum >> bytes >> name)
    if (name == file) {
      const std::string text = rl::read_text(checkpoint / file);
      const auto got =
          runtime::to_hex(runtime::sha256(std::as_bytes(std::span(text))));
      if (got != sum)
        throw std::runtime_error(fmt::format("{}: SHA-256 must be {}: got {}",
                                             (checkpoint / file).string(), sum,
                                             got));
      return;
    }
  throw std::runtime_error(fmt::format("{}: must list '{}': got no such line",
                                       (checkpoint / "SUMS").string(), file));
}

Json describe(const rl::Evaluation &evaluation) {
  const auto &returns = evaluation.returns;
  const auto summary = rl::summarize(returns);
  const auto [low, high] = mean_interval(returns);
  const double steps = std::accumulate(evaluation.lengths.begin(),
                                       evaluation.lengths.end(), 0.0);
  return {{"episodes", returns.size()},
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
          {"returns", returns},
          {"lengths", evaluation.lengths}};
}

void print(const Json &result) {
  auto number = [&](const char *key) { return result[key].get<double>(); };
  fmt::print("{}\ncheckpoint {} (env step {}, update {})\n",
             result["run"].get<std::string>(),
             result["checkpoint"].get<std::string>(),
             result["env_step"].get<std::int64_t>(),
             result["update"].get<std::int64_t>());
  fmt::print("episodes   {}, {:.1f} steps on average, {:.0f} steps/s\n",
             result["episodes"].get<int>(), number("length"),
             number("steps_per_second"));
  fmt::print("return     {:.4g} ± {:.4g} (sd), IQM {:.4g}, from {:.4g} to "
             "{:.4g}\n",
             number("mean"), number("sd"), number("iqm"), number("min"),
             number("max"));
  fmt::print("95 %       {:.4g} to {:.4g} (mean, percentile bootstrap, {} "
             "resamples)\n",
             result["interval"][0].get<double>(),
             result["interval"][1].get<double>(), bootstrap_resamples);
}

void evaluate(const Arguments &a) {
  if (!a.video.empty())
    throw std::runtime_error(
        "--video needs a build that draws: got one without");
  const fs::path run = rl::find_run(a.run);
  const fs::path checkpoint = find_checkpoint(run, a.checkpoint);
  const auto executable = load_executable((run / "artifact.so").string());
  rl::Schema schema = rl::trainer_schema();
  const rl::Schema own = artifact_keys(executable.get());
  for (const auto &key : own.keys())
    schema.add(key);
  rl::Config config(std::move(schema));
  config.checkpoint(rl::read_text(run / "config.toml"),
                    (run / "config.toml").string());
  const auto settings = rl::trainer_config(config);
  const int n = a.num_envs > 0 ? a.num_envs : settings.eval.num_envs;
  const int threads = a.threads >= 0 ? a.threads : settings.threads;

  rl::Program program(executable.get(), threads);
  rl::Actor actor = program.actor("evaluate", n);
  verify(checkpoint, "arena.safetensors");
  rl::check(phlox_state_load(program.state(),
                             (checkpoint / "arena.safetensors").c_str()));
  rl::EnvironmentHolder<envs::VectorEnv> env(std::make_unique<envs::VectorEnv>(
      envs::make_vector_env(settings.env, env_kwargs(config), n, settings.seed,
                            "eval/final", std::max(threads, 1))));
  if (env.obs_size() != program.obs_size() ||
      env.action_size() != program.action_size())
    throw std::runtime_error(fmt::format(
        "{} must have observations of {} and actions of {}, as the artifact "
        "has: got {} and {}",
        settings.env, program.obs_size(), program.action_size(), env.obs_size(),
        env.action_size()));
  // the streams of the evaluation that ends a training
  const auto evaluation =
      rl::evaluate(actor, env, a.episodes, rl::final_evaluation_step);

  const auto saved = nlohmann::json::parse(
      rl::read_text(checkpoint / "trainer.json"), nullptr, false);
  const auto &counters = saved.is_object() && saved.contains("counters")
                             ? saved["counters"]
                             : saved;
  if (!counters.is_object())
    throw std::runtime_error(
        fmt::format("{}: must hold counters: got none",
                    (checkpoint / "trainer.json").string()));
  const auto step = counters.value("env_step", std::int64_t{0});
  Json result = {{"run", run.string()},
                 {"algorithm", settings.algorithm},
                 {"env", settings.env},
                 {"seed", settings.seed},
                 {"checkpoint", checkpoint.filename().string()},
                 {"env_step", step},
                 {"update", counters.value("update", std::int64_t{0})},
                 {"num_envs", n}};
  result.update(describe(*evaluation));
  const std::string text = result.dump(2) + "\n";
  if (a.json == "-")
    fmt::print("{}", text);
  else
    print(result);
  std::fflush(stdout); // shown, whatever becomes of the files
  rl::write_text(run / fmt::format("eval-{}.json", step), text);
  if (!a.json.empty() && a.json != "-")
    rl::write_text(a.json, text);
}

} // namespace

void add_eval_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "eval", "Run episodes of a trained policy: averaged parameters, no "
              "exploration noise");
  auto a = std::make_shared<Arguments>();
  verb->add_option("RUN_DIR", a->run,
                   "A run folder, or a folder with exactly one")
      ->required();
  verb->add_option("--checkpoint", a->checkpoint,
                   "best, last or an env step [last]");
  verb->add_option("--episodes", a->episodes, "Episodes [100]")
      ->check(CLI::Range(1, 1'000'000));
  verb->add_option("--num-envs", a->num_envs,
                   "Environments side by side, a size that the artifact has "
                   "[eval.num_envs of the run]")
      ->check(CLI::Range(1, 65536));
  verb->add_option("--threads", a->threads,
                   "Threads; 0: all allowed [as the run]")
      ->check(CLI::Range(0, 1024));
  verb->add_option("--json", a->json,
                   "Also write the numbers and every return here; -: to stdout "
                   "instead of text");
  verb->add_option("--video", a->video,
                   "An MP4 of one episode (this build cannot draw)");
  verb->callback([a] {
    try {
      evaluate(*a);
    } catch (const rl::UsageError &error) {
      throw CLI::ValidationError(error.what());
    }
  });
}

} // namespace phlox::tools
