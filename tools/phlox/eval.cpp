// phlox eval: episodes of a run's averaged policy, without exploration noise.
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/errors.h"
#include "tools/phlox/film.h"
#include "tools/phlox/interval.h"
#include "tools/phlox/output.h"
#include "tools/phlox/trained.h"
#include "tools/phlox/verbs.h"
#include <fmt/core.h>

namespace phlox::tools {
namespace {

using Json = nlohmann::ordered_json;

struct Arguments {
  TrainedWords policy;
  std::string json, video, grid = "1x1";
  int episodes = 100;
};

void print(const Json &result) {
  auto number = [&](const char *key) { return result[key].get<double>(); };
  fmt::print("{}\ncheckpoint {} (env step {}, update {})\n",
             result["run"].get<std::string>(),
             result["checkpoint"].get<std::string>(),
             result["env_step"].get<std::int64_t>(),
             result["update"].get<std::int64_t>());
  fmt::print("policy     {} parameters, {} network evaluations and {} "
             "candidates per action, {:.1f} µs\n",
             result["averaged"].get<bool>() ? "averaged" : "last",
             result["network_evaluations"].get<std::int64_t>(),
             result["particles"].get<std::int64_t>(), number("sample_us"));
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
  if (result.contains("success"))
    fmt::print("success    {:.4g} (share of the task fulfilled)\n",
               number("success"));
  if (result.contains("reward_parts")) {
    std::string parts;
    for (const auto &[name, mean] : result["reward_parts"].items())
      parts += fmt::format("{}{} {:.4g}", parts.empty() ? "" : ", ", name,
                           mean.get<double>());
    fmt::print("made of    {}\n", parts);
  }
}

// another policy than the trained one has a file of its own
std::string file_name(const Trained &trained, const TrainedWords &words) {
  std::string name = fmt::format("eval-{}", trained.env_step);
  if (words.checkpoint == "best")
    name += "-best";
  if (words.particles)
    name += fmt::format("-particles{}", words.particles);
  if (words.nfe)
    name += fmt::format("-nfe{}", words.nfe);
  if (words.raw)
    name += "-no-ema";
  if (words.noisy)
    name += "-noise";
  return name + ".json";
}

void evaluate(const Arguments &a) {
  const auto [columns, rows] = grid_of(a.grid);
  if (a.video.empty() && a.grid != "1x1")
    throw rl::UsageError("--video-grid belongs to --video: got it alone");
  Trained trained(a.policy);
  // what is missing is said before the episodes, which may take long
  if (!a.json.empty() && a.json != "-")
    demand_place("--json", a.json);
  std::function<std::string()> film;
  if (!a.video.empty()) {
    demand_place("--video", a.video);
    film = begin_film(trained, {a.video, columns, rows});
  }
  const auto evaluation = trained.evaluate(a.episodes);
  Json result = trained.describe();
  result["sample_us"] = trained.sample_microseconds();
  result.update(describe(evaluation));
  // a folder's name may be no UTF-8
  const std::string text =
      result.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  if (a.json == "-")
    show(text);
  else
    print(result);
  std::fflush(stdout); // shown, whatever becomes of the files
  if (!a.json.empty() && a.json != "-")
    rl::write_text(a.json, text);
  if (film) {
    const std::string line = film();
    if (a.json == "-")
      warn(line);
    else
      fmt::print("{}\n", line);
  }
  // last, since the run may be someone else's, and its folder read-only
  rl::write_text(trained.run / file_name(trained, a.policy), text);
}

} // namespace

void add_eval_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "eval", "Run episodes of a trained policy: averaged parameters, no "
              "exploration noise");
  auto a = std::make_shared<Arguments>();
  add_trained_options(*verb, a->policy);
  verb->add_flag("--noise", a->policy.noisy,
                 "Act as in training: a sample of a Gaussian policy instead of "
                 "its mean, exploration noise");
  verb->add_option("--episodes", a->episodes, "Episodes [100]")
      ->check(CLI::Range(1, 1'000'000));
  verb->add_option("--num-envs", a->policy.num_envs,
                   "Environments side by side, a size that the artifact has "
                   "[eval.num_envs of the run]")
      ->check(CLI::Range(1, 65536));
  verb->add_option("--threads", a->policy.threads,
                   "Threads; 0: all allowed [as the run]")
      ->check(CLI::Range(0, 1024));
  verb->add_option("--json", a->json,
                   "Also write the numbers and every return here; -: to stdout "
                   "instead of text");
  verb->add_option("--video", a->video,
                   "Also write an MP4 of the first episode");
  verb->add_option("--video-grid", a->grid,
                   "COLUMNSxROWS: that many episodes side by side [1x1]");
  verb->callback([a] {
    try {
      evaluate(*a);
    } catch (const rl::UsageError &error) {
      throw CLI::ValidationError(error.what());
    }
  });
}

} // namespace phlox::tools
