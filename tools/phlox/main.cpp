// The command line of Phlox: one verb per file, listed in CMakeLists.txt.
#include "phlox/runtime.h"
#include "tools/phlox/verbs.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <fmt/core.h>
#include <mujoco/mujoco.h>
#include <string>
#include <string_view>

namespace {

std::string versions() {
  return fmt::format("phlox {}\nruntime {}\nMuJoCo {}\nLLVM {}", PHLOX_VERSION,
                     phlox_runtime_version(), mj_versionString(),
                     PHLOX_LLVM_VERSION);
}

// errors are one line on stderr, whatever a library's text looks like; unlike
// fmt::print never throws: stderr may lie on a full disk
void complain(std::string_view text) {
  const std::string line =
      fmt::format("phlox: {}\n", text.substr(0, text.find('\n')));
  std::fwrite(line.data(), 1, line.size(), stderr);
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
  try {
    app.parse(argc, argv);
  } catch (const CLI::RuntimeError &error) { // a verb's own status, said
    return error.get_exit_code();
  } catch (const CLI::ParseError &error) {
    if (error.get_exit_code() == 0) // --help, --version
      return app.exit(error);
    if (app.get_subcommands().empty())
      complain(fmt::format("a verb is required, see phlox --help: got {}",
                           argc > 1 ? argv[1] : "none"));
    else
      complain(error.what());
    return 2;
  } catch (const std::exception &error) {
    complain(error.what());
    return 1;
  }
  return 0;
}
