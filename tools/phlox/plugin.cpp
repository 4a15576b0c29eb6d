#include "tools/phlox/plugin.h"
#include "rl/json.h"
#include "rl/trainer/checkpoint.h"
#include "rl/trainer/schema.h"
#include "runtime/file.h"
#include "runtime/sha256.h"
#include "tools/compiler_library/compiler_library.h"
#include <fmt/core.h>

namespace phlox::tools {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t shown_digits = 12;

std::string sum_of(const std::string &path) {
  return runtime::to_hex(runtime::sha256(runtime::read_file(path)));
}

std::vector<std::string> paths_of(const PluginWords &words) {
  if (words.paths.empty() && !words.trained_with.path.empty())
    return {words.trained_with.path};
  return words.paths;
}

// the trainer would read its own key in place of the algorithm's
void check_keys(const nlohmann::ordered_json &algorithm) {
  const bool rollouts = algorithm["experience"] == "rollouts";
  const rl::Schema trainer = rl::trainer_schema(rollouts);
  for (const auto &row : algorithm["keys"]) {
    const std::string key = row["key"];
    // both must know how wide a rollout is
    if (trainer.find(key) && !(rollouts && key == "num_envs"))
      throw std::runtime_error(fmt::format(
          "{}: algorithm '{}': keys must be other than the trainer's: got '{}'",
          std::string(algorithm["plugin"]), std::string(algorithm["name"]),
          key));
  }
}

} // namespace

void add_plugin_option(CLI::App &verb, PluginWords &words) {
  verb.add_option("--plugin", words.paths,
                  "A shared object with algorithms of one's own; several count")
      ->take_all()
      ->expected(1)
      ->transform([](const std::string &path) {
        if (path.empty())
          throw CLI::ValidationError("must name a file: got ''");
        // a run may go on from another folder
        return fs::absolute(path).lexically_normal().string();
      });
}

void check_plugins(const PluginWords &words) {
  const Plugin &wanted = words.trained_with;
  if (wanted.path.empty())
    return;
  std::string got;
  for (const std::string &path : paths_of(words)) {
    got += got.empty() ? "" : ", ";
    if (!fs::exists(path)) {
      got += fmt::format("no {}", path);
      continue;
    }
    const std::string sum = sum_of(path);
    if (sum == wanted.sha256)
      return;
    got += fmt::format("{} with {}", path, sum.substr(0, shown_digits));
  }
  throw std::runtime_error(fmt::format(
      "the plug-in that the run was trained with (SHA-256 {}) must be where it "
      "was, or be named with --plugin: got {}",
      wanted.sha256.substr(0, shown_digits), got));
}

void load_plugins(const PluginWords &words) {
  check_plugins(words);
  for (const std::string &path : paths_of(words))
    compiler_library().load_plugin(path);
  for (const auto &algorithm : compiler_library().algorithms())
    if (algorithm["plugin"] != "")
      check_keys(algorithm);
}

Plugin plugin_of(const std::string &algorithm) {
  for (const auto &row : compiler_library().algorithms())
    if (row["name"] == algorithm && row["plugin"] != "")
      return {row["plugin"], sum_of(row["plugin"])};
  return {};
}

Plugin plugin_of_run(const fs::path &run) {
  const auto path = run / "manifest.json";
  if (!fs::exists(path))
    return {};
  const auto manifest = rl::parse_json(rl::read_text(path));
  if (!manifest.is_object() || !manifest.contains("plugin"))
    return {};
  const auto &row = manifest["plugin"];
  auto text = [&](const char *key) {
    const bool there =
        row.is_object() && row.contains(key) && row[key].is_string();
    return there ? row[key].get<std::string>() : std::string();
  };
  Plugin plugin{text("path"), text("sha256")};
  if (plugin.path.empty() || plugin.sha256.empty())
    throw std::runtime_error(fmt::format(
        "{}: plugin must have a path and a sha256: got {}", path.string(),
        row.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)));
  return plugin;
}

nlohmann::json describe(const Plugin &plugin) {
  return {{"path", plugin.path}, {"sha256", plugin.sha256}};
}

} // namespace phlox::tools
