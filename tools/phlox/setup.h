// From the words of a command line to a resolved configuration, a task and a
// program: what compile and train share.
#pragma once
#include "envs/registry.h"
#include "phlox/runtime.h"
#include "rl/trainer/config.h"
#include "rl/trainer/trainer_config.h"
#include "tools/compiler_library/compiler_library.h"
#include "tools/phlox/plugin.h"
#include <CLI/CLI.hpp>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace phlox::tools {

/// What the user asked for.
struct Words {
  std::string algorithm, env;
  std::vector<std::string> files, settings; // --config, --set
  std::string target, precision, dump_ir;   // empty: native, high, none
  std::vector<std::string> without; // rewrites that the compiler leaves out
  bool as_published = false, explicit_noise = false;
  PluginWords plugins;
};

/// Adds the options that compile and train share.
void add_program_options(CLI::App &verb, Words &words);
/// Adds --without.
void add_rewrite_option(CLI::App &verb, Words &words);

/// The keys of trainer and algorithm, with every level but flags applied; the
/// words' plug-ins are loaded.
///
/// Errors:  CLI::ValidationError for unknown names, keys and values; as
///          load_plugins.
rl::Config resolve(const Words &words);
/// The same with the keys that an artifact was compiled with: no compiler is
/// loaded, and no plug-in.
rl::Config resolve(const Words &words, const phlox_executable *artifact);
/// Reads the keys of one algorithm as rows of a schema.
rl::Schema algorithm_keys(const std::string &algorithm);
/// Reads the keys that an artifact was compiled with as rows of a schema.
rl::Schema artifact_keys(const phlox_executable *executable);
/// The trainer's keys and an algorithm's; those that both know, such as
/// num_envs, are the trainer's.
rl::Schema joined_keys(bool rollouts, const rl::Schema &own);
/// The same for an artifact.
rl::Schema all_keys(const phlox_executable *artifact);
/// Returns the options of an artifact that holds an algorithm.
///
/// Errors:  std::runtime_error if it does not say which.
nlohmann::json options_of(const phlox_executable *executable);

/// Returns the keyword arguments of the environment, from env.KEY.
envs::Kwargs env_kwargs(const rl::Config &config);

/// Returns the sizes of the environment's observations and actions.
///
/// Errors:  CLI::ValidationError for an unknown keyword argument or value.
std::pair<int, int> task_sizes(const Words &words, const rl::Config &config);

/// The algorithm and the task that a configuration names; empty: none.
struct Origin {
  std::string algorithm, env;
};
/// Errors:  std::runtime_error if the file cannot be read or is no TOML.
Origin origin_of_config(const std::string &path);

/// Takes the algorithm and the task from --config's files where no argument
/// names them, so that a run's config.toml alone repeats it.
void take_names_from_files(Words &words);

/// Fills the request for the compiler from a resolved configuration.
CompileRequest compile_request(const Words &words, const rl::Config &config);

/// Compiles a request, or finds it in the cache; returns the artifact's path
/// and how many seconds it took (0: it was there).
std::pair<std::string, double> cached_artifact(const CompileRequest &request);

/// Returns the precision that a run's manifest names; empty if none does.
std::string precision_of_run(const std::filesystem::path &run);

/// A loaded artifact.
struct ExecutableDelete {
  void operator()(phlox_executable *executable) const {
    phlox_executable_free(executable);
  }
};
using Executable = std::unique_ptr<phlox_executable, ExecutableDelete>;
Executable load_executable(const std::string &path);

/// Returns the code of an artifact that the runtime takes on this machine.
const phlox_variant &chosen_variant(const phlox_executable_table &table);

} // namespace phlox::tools
