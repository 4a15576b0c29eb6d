// The command line of Phlox: one verb per file, listed in CMakeLists.txt.
#include "phlox/runtime.h"
#include "tools/phlox/command_line.h"
#include "tools/phlox/commit.h"
#include "tools/phlox/verbs.h"

#include <CLI/CLI.hpp>
#include <fmt/core.h>
#include <mujoco/mujoco.h>
#include <string>

namespace {

std::string versions() {
  return fmt::format("phlox {}\nsource {}\nruntime {}\nMuJoCo {}\nLLVM {}",
                     PHLOX_VERSION, phlox::tools::source_commit(),
                     phlox_runtime_version(), mj_versionString(),
                     PHLOX_LLVM_VERSION);
}

} // namespace

int main(int argc, char **argv) {
  CLI::App app("Compiles and trains one-step flow policies.", "phlox");
  app.set_version_flag("--version", versions,
                       "Print the versions of Phlox and its parts");
  app.require_subcommand(1);
#define PHLOX_VERB(name) phlox::tools::add_##name##_verb(app);
#include "tools/phlox/verbs.inc"
#undef PHLOX_VERB
  return phlox::tools::run_command_line(app, argc, argv);
}
