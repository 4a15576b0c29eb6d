// phlox train: compiles (or takes an artifact), trains, resumes.
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/dry_run.h"
#include "rl/trainer/errors.h"
#include "rl/trainer/run_clock.h"
#include "rl/trainer/run_folder.h"
#include "rl/trainer/signals.h"
#include "rl/trainer/trainer.h"
#include "rl/trainer/units.h"
#include "tools/phlox/commit.h"
#include "tools/phlox/film.h"
#include "tools/phlox/output.h"
#include "tools/phlox/setup.h"
#include "tools/phlox/verbs.h"
#include <algorithm>
#include <ctime>
#include <filesystem>
#include <fmt/core.h>
#include <fstream>
#include <mujoco/mujoco.h>
#include <optional>
#include <set>
#include <sstream>
#include <tuple>

namespace phlox::tools {
namespace {

struct Arguments {
  Words words;
  std::string artifact, out = "runs", name, resume, command;
  // flags of their own: key, option, text
  std::string seed, total_timesteps, num_envs, threads, stop_after;
  std::vector<std::string> tags;
  bool overlap = false, force = false, print_config = false, explain = false,
       quiet = false, verbose = false, no_progress = false, dry_run = false;
};

// the keys of --as-published if all have its values, whoever set them
std::vector<std::string> published_keys(const rl::Config &config,
                                        const phlox_executable *artifact) {
  std::vector<std::string> keys;
  const auto published =
      options_of(artifact).value("as_published", nlohmann::json());
  for (const auto &[key, value] : published.items()) {
    if (config.at(key) != value)
      return {};
    keys.push_back(key);
  }
  return keys;
}

// whether an artifact has code for the instruction sets that --target names
bool is_for(const phlox_executable *artifact, const std::string &target) {
  if (target == "native") // it has what ran here, or nothing could go on
    return true;
  const auto *table = phlox_executable_table_of(artifact);
  std::set<std::string> has, wanted;
  for (std::uint32_t i = 0; i < table->variant_count; i++) {
    const std::string name = table->variants[i].target;
    const bool is_bf16 = name == "avx512-bf16" || name.starts_with("amx-");
    has.insert(is_bf16 ? "x86-64-v4" : name);
  }
  std::istringstream names(target);
  for (std::string name; std::getline(names, name, ',');) {
    std::erase(name, ' ');
    wanted.insert(name);
  }
  return has == wanted;
}

class Training {
public:
  explicit Training(Arguments &arguments) : a(arguments) {}

  int run() {
    std::optional<rl::EarlyStop> early;
    early.emplace("setting up");
    if (a.quiet && a.verbose)
      throw CLI::ValidationError("-q and -v exclude each other: got both");
    if (a.name != std::filesystem::path(a.name).filename() || a.name == "." ||
        a.name == "..")
      throw CLI::ValidationError(fmt::format(
          "--name must be a folder's name without '/': got '{}'", a.name));
    // a run that is named knows its own
    if (a.resume.empty() || a.resume == "auto")
      take_names_from_files(a.words);
    Executable given, kept;
    if (!a.artifact.empty()) {
      given = load_executable(a.artifact);
      const auto options = options_of(given.get());
      take_names(options);
      if (options.value("explicit_noise", false))
        throw CLI::ValidationError(
            "--artifact must draw its own noise: got one made with "
            "--explicit-noise");
      if (a.words.as_published || !a.words.target.empty() ||
          !a.words.precision.empty() || !a.words.plugins.paths.empty())
        throw CLI::ValidationError("--as-published, --target, --precision and "
                                   "--plugin belong to compiling: got them "
                                   "beside --artifact");
    }
    find_resumed(given.get());
    if (!run_folder.empty() && !a.name.empty() &&
        a.name != run_folder.filename())
      throw CLI::ValidationError(
          fmt::format("--name must be left out or be '{}', the resumed run's: "
                      "got '{}'",
                      run_folder.filename().string(), a.name));
    const auto own_artifact = run_folder / "artifact.so";
    if (!given && !run_folder.empty() && !a.force &&
        std::filesystem::exists(own_artifact))
      kept = load_executable(own_artifact.string());
    if (kept && !a.words.target.empty() && !is_for(kept.get(), a.words.target))
      throw CLI::ValidationError(
          fmt::format("--target must be that of the run's program, or go with "
                      "--force: got {}",
                      a.words.target));
    rl::Config config = configure_resumed(given.get(), kept);
    if (kept && !was_compiled_for(config, kept.get())) {
      warn(fmt::format("{} was compiled for other settings than config.toml "
                       "has: compiling anew",
                       own_artifact.string()));
      kept.reset();
      config = configure(nullptr, nullptr);
    }
    if (a.print_config || a.explain) {
      show(a.explain ? config.explanation() : config.toml());
      return 0;
    }
    task_sizes(a.words, config); // wrong keyword arguments end here
    rl::TextLog log(a.quiet     ? rl::Verbosity::quiet
                    : a.verbose ? rl::Verbosity::verbose
                                : rl::Verbosity::normal,
                    !a.no_progress);
    rl::TrainRequest request;
    request.config = trainer_config(config);
    request.config_toml = config.toml();
    double seconds = 0;
    Plugin plugin = trained_with;
    if (given) {
      request.artifact = a.artifact;
    } else if (kept) {
      request.artifact = own_artifact.string();
      given = std::move(kept);
    } else {
      early.reset();
      early.emplace("compiling");
      std::tie(request.artifact, seconds) =
          cached_artifact(compile_request(a.words, config));
      given = load_executable(request.artifact);
      plugin = plugin_of(a.words.algorithm);
    }
    request.executable = given.get();
    request.manifest = {
        {"command", a.command},       {"phlox", phlox_runtime_version()},
        {"commit", source_commit()},  {"mujoco", mj_versionString()},
        {"llvm", PHLOX_LLVM_VERSION}, {"compile_s", seconds}};
    request.manifest["precision"] =
        options_of(given.get()).value("precision", "high");
    if (!a.tags.empty())
      request.manifest["tags"] = a.tags;
    if (const auto keys = published_keys(config, given.get()); !keys.empty())
      request.manifest["as_published"] = keys;
    if (!plugin.path.empty())
      request.manifest["plugin"] = describe(plugin);
    const auto kwargs = env_kwargs(config);
    const std::string id = a.words.env;
    auto make = [id, kwargs](const rl::EnvironmentRequest &wanted) {
      return std::make_unique<envs::VectorEnv>(
          envs::make_vector_env(id, kwargs, wanted.num_envs, wanted.seed,
                                wanted.purpose, wanted.threads));
    };
    request.environments = rl::environment_factory<envs::VectorEnv>(make);
    request.film = [make](const rl::FilmTask &task) {
      return film(std::move(*make(task.environment)), task.actor,
                  task.first_step, {task.path.string()}, task.stop);
    };
    if (a.dry_run) {
      early.reset();
      early.emplace("doing one of everything");
      return try_out(request, *given);
    }
    auto folder = make_folder(request.config.seed);
    request.elapsed = started.here();
    return rl::train(request, folder, log);
  }

private:
  void find_resumed(const phlox_executable *given) {
    if (a.resume.empty())
      return;
    if (a.resume == "auto" && !a.name.empty()) {
      const auto named = std::filesystem::path(a.out) / a.name;
      if (rl::is_unbegun_run(named))
        unbegun = named;
      else if (std::filesystem::exists(named))
        run_folder = rl::find_run(named);
    } else if (a.resume == "auto") {
      rl::Config config = given ? resolve(a.words, given) : resolve(a.words);
      flags(config);
      run_folder = rl::latest_run(a.out, a.words.env, a.words.algorithm,
                                  config.at("seed").get<std::uint64_t>());
    } else {
      run_folder = rl::find_run(a.resume);
    }
    if (run_folder.empty())
      return;
    const Origin origin =
        origin_of_config((run_folder / "config.toml").string());
    name("ALGO", a.words.algorithm, origin.algorithm);
    name("--env", a.words.env, origin.env);
    take_plugin();
    if (!given && a.words.precision.empty())
      a.words.precision = precision_of_run(run_folder);
  }

  // a run's own artifact needs no plug-in; another one named is no oversight
  void take_plugin() {
    trained_with = plugin_of_run(run_folder);
    PluginWords &words = a.words.plugins;
    if (!a.force)
      words.trained_with = trained_with;
    else if (words.paths.empty() && !trained_with.path.empty())
      words.paths = {trained_with.path};
    if (!words.paths.empty())
      check_plugins(words);
  }

  void take_names(const nlohmann::json &options) {
    name("ALGO", a.words.algorithm, options["algorithm"]);
    name("--env", a.words.env, options.value("env", std::string()));
  }

  static void name(const char *what, std::string &given,
                   const std::string &known) {
    if (!given.empty() && given != known)
      throw CLI::ValidationError(fmt::format(
          "{} must be '{}', as it was before: got '{}'", what, known, given));
    given = known;
  }

  void flags(rl::Config &config) {
    const std::tuple<const char *, const std::string &, const char *> all[] = {
        {"seed", a.seed, "--seed"},
        {"total_timesteps", a.total_timesteps, "--total-timesteps"},
        {"num_envs", a.num_envs, "--num-envs"},
        {"threads", a.threads, "--threads"}};
    for (const auto &[key, text, option] : all)
      if (!text.empty())
        config.flag(key, text, option);
    if (!a.stop_after.empty())
      config.flag(
          "stop_after",
          fmt::format("{}", rl::parse_duration(a.stop_after, "--stop-after")),
          "--stop-after");
    if (a.overlap)
      config.flag("overlap", "true", "--overlap");
  }

  // `given` was named with --artifact, `kept` lies in the resumed run's folder
  rl::Config configure(const phlox_executable *given,
                       const phlox_executable *kept) {
    const auto *known = given ? given : kept;
    rl::Config config = known ? resolve(a.words, known) : resolve(a.words);
    std::string text;
    if (!run_folder.empty()) {
      text = rl::read_text(run_folder / "config.toml");
      config.checkpoint(text, "checkpoint");
    }
    flags(config);
    if (given)
      config.artifact(options_of(given)["config"]);
    if (!run_folder.empty())
      compare(text, config, known);
    return config;
  }

  // an artifact does not know the keys that it left to the algorithm
  rl::Config configure_resumed(const phlox_executable *given,
                               Executable &kept) {
    if (kept) {
      try {
        return configure(given, kept.get());
      } catch (const CLI::ValidationError &) {
        kept.reset();
      }
    }
    return configure(given, nullptr);
  }

  // a run that was killed while it took over other settings may have one file
  // of before and one of after
  static bool was_compiled_for(const rl::Config &config,
                               const phlox_executable *artifact) {
    const auto options = options_of(artifact);
    for (const auto &[key, value] : options["config"].items())
      if (config.at(key) != value)
        return false;
    return true;
  }

  // a resumed run keeps its configuration, but for what changes no result
  void compare(const std::string &text, const rl::Config &now,
               const phlox_executable *known) {
    rl::Config before(now.schema());
    before.checkpoint(text, "checkpoint");
    bool changed = false, lasting = false;
    for (const auto &difference : rl::differences(before, now)) {
      if (difference.free)
        continue;
      changed = true;
      // what the saved environments and the replay were made with
      lasting |= difference.key == "seed" || difference.key == "num_envs" ||
                 difference.key.starts_with("env.");
      warn(fmt::format("{}: was {}, is {}", difference.key,
                       rl::shown(difference.before),
                       rl::shown(difference.after)));
    }
    // that of the program that trained the run, of the one that will, and the
    // one asked for
    const std::string own =
        known ? options_of(known).value("precision", std::string()) : "";
    std::string was = precision_of_run(run_folder);
    if (was.empty())
      was = own; // a manifest of before there was a choice
    for (const std::string &other : std::set{own, a.words.precision})
      if (!other.empty() && !was.empty() && other != was) {
        changed = true;
        warn(fmt::format("precision: was {}, is {}", was, other));
      }
    if (lasting)
      throw std::runtime_error(
          "a resumed run must keep its environments: got the differences "
          "above");
    if (changed && !a.force)
      throw std::runtime_error("a resumed run must keep its configuration "
                               "(--force changes it): got the differences "
                               "above");
  }

  rl::RunFolder make_folder(std::uint64_t seed) const {
    for (const auto &there : {run_folder, unbegun})
      if (!there.empty())
        return rl::RunFolder::open(there);
    return rl::RunFolder::create(a.out,
                                 a.name.empty() ? new_name(seed) : a.name);
  }

  // two runs may begin in the same second
  std::string new_name(std::uint64_t seed) const {
    const auto name =
        rl::run_name(a.words.env, a.words.algorithm, seed, std::time(nullptr));
    std::string free = name;
    for (int i = 2;
         std::filesystem::exists(std::filesystem::path(a.out) / free); i++)
      free = fmt::format("{}-{}", name, i);
    return free;
  }

  int try_out(const rl::TrainRequest &request, const phlox_executable &loaded) {
    const auto *table = phlox_executable_table_of(&loaded);
    const auto options = options_of(&loaded);
    const auto took = rl::dry_run(request);
    const auto need = rl::forecast(request.config, options.value("obs_size", 0),
                                   options.value("action_size", 0), *table,
                                   rl::process_memory());
    fmt::print("compiled {} ({:.12})\n", request.artifact, table->hash);
    fmt::print("one of everything: {} env step{} {:.3g} ms, actions {:.3g} ms, "
               "update {:.3g} ms",
               took.num_envs, took.num_envs == 1 ? "" : "s", took.env * 1e3,
               took.sample * 1e3, took.update * 1e3);
    if (took.evaluation > 0)
      fmt::print(", step of an evaluation {:.3g} ms", took.evaluation * 1e3);
    fmt::print("\nthe run needs about {} of memory and {} of disk, and some "
               "{} without evaluation and checkpoints\n",
               rl::amount(need.memory), rl::amount(need.disk),
               rl::duration(took.training(request.config)));
    return 0;
  }

  Arguments &a;
  rl::RunClock started;
  std::filesystem::path run_folder; // of the run that is resumed
  Plugin trained_with;              // what it was compiled from before
  std::filesystem::path unbegun;    // one that was killed at its very start
};

// the process's own arguments, as a shell would take them
std::string command_line() {
  // a file of /proc has no size to read by
  std::ifstream file("/proc/self/cmdline");
  std::string text, one;
  while (std::getline(file, one, '\0')) {
    text += (text.empty() ? "" : " ") + shell_word(one);
  }
  return text;
}

} // namespace

void add_train_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand(
      "train", "Train an algorithm on a task; a run folder holds everything");
  auto a = std::make_shared<Arguments>();
  add_program_options(*verb, a->words);
  verb->add_option("--artifact", a->artifact,
                   "Train this artifact instead of compiling");
  verb->add_option("--seed", a->seed, "The run's seed [1]");
  verb->add_option("--total-timesteps", a->total_timesteps,
                   "Environment steps, warm-up included [1e6]");
  verb->add_option("--num-envs", a->num_envs,
                   "Environments stepped together [1]");
  verb->add_option("--threads", a->threads, "Threads; 0: all allowed [0]");
  verb->add_option("--stop-after", a->stop_after,
                   "Checkpoint and end with status 0 after this time, such as "
                   "3h50m, compiling included");
  verb->add_flag("--overlap", a->overlap,
                 "Step the environments while updates run; actions come from "
                 "parameters one round of updates older");
  verb->add_option("--tags", a->tags, "Words for the manifest, a,b,c")
      ->delimiter(',');
  verb->add_option("--out", a->out, "Where run folders are made [runs]");
  verb->add_option("--name", a->name, "The run folder's name");
  verb->add_option("--resume", a->resume,
                   "Go on with a run folder, or 'auto': the one that --name "
                   "names, or the newest of this task, algorithm and seed; a "
                   "new one where there is none");
  verb->add_flag("--force", a->force,
                 "Resume although the configuration or the plug-in changed");
  verb->add_flag("--print-config", a->print_config,
                 "Print every setting with its origin, and stop");
  verb->add_flag("--explain", a->explain,
                 "Print every setting with its type, range and meaning, and "
                 "stop");
  verb->add_flag(
      "--dry-run", a->dry_run,
      "Compile, do one of everything, say what time, memory and disk the "
      "run needs, and stop");
  verb->add_flag("-q,--quiet", a->quiet, "Only warnings");
  verb->add_flag("-v,--verbose", a->verbose, "More lines");
  verb->add_flag("--no-progress", a->no_progress, "No progress line");
  verb->callback([a] {
    a->command = command_line();
    try {
      if (int status = Training(*a).run())
        throw CLI::RuntimeError(status);
    } catch (const rl::UsageError &error) {
      throw CLI::ValidationError(error.what());
    }
  });
}

} // namespace phlox::tools
