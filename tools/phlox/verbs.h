// The verbs of the command line: each adds itself to the application and does
// its work in its callback.
#pragma once
#include <CLI/CLI.hpp>

namespace phlox::tools {

/// Adds one verb.
///
/// Errors:  its callback throws CLI::ValidationError for wrong usage (exit
///          status 2) and std::exception for a failure (1), one line each.
#define PHLOX_VERB(name) void add_##name##_verb(CLI::App &app);
#include "tools/phlox/verbs.inc"
#undef PHLOX_VERB

} // namespace phlox::tools
