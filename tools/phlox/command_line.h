// What becomes of a command line: a verb's work, an exit status, one line.
#pragma once
#include <CLI/CLI.hpp>

namespace phlox::tools {

/// Parses the arguments, which runs a verb, and returns the exit status: 2 for
/// wrong usage, 1 for a failure or for output that stdout did not take, each
/// said in one line on stderr.
int run_command_line(CLI::App &app, int argc, char **argv);

} // namespace phlox::tools
