// phlox algorithms: what can be compiled and trained.
#include "tools/compiler_library/compiler_library.h"
#include "tools/phlox/output.h"
#include "tools/phlox/plugin.h"
#include "tools/phlox/verbs.h"
#include <fmt/core.h>

namespace phlox::tools {

void add_algorithms_verb(CLI::App &app) {
  CLI::App *verb = app.add_subcommand("algorithms", "List the algorithms");
  auto json = std::make_shared<bool>(false);
  auto plugins = std::make_shared<PluginWords>();
  verb->add_flag("--json", *json, "With every key, its default and meaning");
  add_plugin_option(*verb, *plugins);
  verb->callback([json, plugins] {
    load_plugins(*plugins);
    const auto rows = compiler_library().algorithms();
    if (*json) {
      show(rows.dump(2) + "\n");
      return;
    }
    for (const auto &row : rows)
      fmt::print("{:<10} {}\n", row["name"].get<std::string>(),
                 row["summary"].get<std::string>());
  });
}

} // namespace phlox::tools
