// phlox envs: the known tasks.
#include "envs/registry.h"
#include "tools/phlox/output.h"
#include "tools/phlox/verbs.h"

#include <fmt/core.h>
#include <memory>

namespace phlox::tools {
namespace {

nlohmann::json describe(const envs::Entry &entry) {
  const auto environment = entry.make(entry.defaults);
  const envs::Spec &spec = environment->spec();
  return {{"id", entry.id},
          {"summary", entry.summary},
          {"obs_size", spec.obs_size},
          {"action_size", spec.action_size},
          {"action_low", spec.action_low},
          {"action_high", spec.action_high},
          {"max_episode_steps", spec.max_episode_steps},
          {"qpos_size", spec.qpos_size},
          {"qvel_size", spec.qvel_size},
          {"simulator", spec.simulator},
          {"kwargs", entry.defaults},
          {"kwargs_help", entry.help}};
}

void list(bool as_json) {
  auto described = nlohmann::json::array();
  for (const envs::Entry &entry : envs::environments()) {
    if (as_json)
      described.push_back(describe(entry));
    else
      fmt::print("{}\n", entry.id);
  }
  if (as_json)
    show(described.dump(2) + "\n");
}

} // namespace

void add_envs_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand("envs", "List the environments");
  auto as_json = std::make_shared<bool>(false);
  verb->add_flag("--json", *as_json,
                 "Print sizes, limits and keyword arguments as JSON");
  verb->callback([as_json] { list(*as_json); });
}

} // namespace phlox::tools
