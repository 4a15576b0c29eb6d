// The algorithms by name, with their keys, and how to trace one for a task.
#pragma once
#include "dsl/program.h"
#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace phlox::rl {

/// What an algorithm must know of a task.
struct EnvSpec {
  int64_t obs_size = 0, action_size = 0;
  std::string name;
};

/// What an algorithm learns from, which decides how the trainer drives it.
enum class Experience {
  replay,  ///< transitions drawn from a memory of all policies
  rollouts ///< whole rollouts of the present policy: read_rollout()
};

/// One algorithm that can be compiled.
struct Algorithm {
  std::string name;    ///< on the command line: letters, digits, '-', '_', '.'
  std::string summary; ///< one line
  /// Its keys: [{key, type, default, doc, ...}], see SchemaWriter.
  nlohmann::ordered_json schema;
  /// Keys that --as-published sets, below what the user sets.
  nlohmann::json as_published;
  /// Traces init, train_step, and for each batch size N sample_N and
  /// evaluate_N.
  ///
  /// Errors:  SettingsError for a key that does not fit; Error for a shape.
  std::function<Program(const EnvSpec &env, const nlohmann::json &config,
                        const std::vector<int> &acting)>
      build;
  Experience experience = Experience::replay;
  std::string plugin = {}; ///< the file that it came from; empty: Phlox's own
};

/// Returns all algorithms, sorted by name.
const std::vector<Algorithm> &algorithms();
/// Returns one algorithm, null if there is none of that name.
const Algorithm *find_algorithm(std::string_view name);

/// Adds an algorithm while the library is loaded, or hands it to the plug-in
/// that is being loaded.
struct Registration {
  explicit Registration(Algorithm algorithm);
};

/// Calls `load`, during which a plug-in's algorithms are registered, and adds
/// them all; returns their names.
///
/// Errors:  std::runtime_error, and nothing is added: there are none, a name is
///          taken or has other characters, keys do not pass check_schema;
///          whatever `load` throws.
/// Threads: not beside any other function here.
std::vector<std::string> add_plugin(const std::string &path,
                                    const std::function<void()> &load);

/// Throws SettingsError if a task's sizes or a batch size are below 1.
void check_request(const EnvSpec &env, const std::vector<int> &acting);

/// Adds the entry points sample_N (noisy) and evaluate_N for each N.
void add_acting(
    Program &program, const std::vector<int> &acting,
    const std::function<void(Entry &, int64_t rows, bool noisy)> &act);

} // namespace phlox::rl
