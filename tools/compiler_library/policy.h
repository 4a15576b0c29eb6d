// A policy alone, cut out of the program that trained it.
#pragma once
#include "dsl/program.h"
#include "tools/compiler_library/compiler_library.h"

namespace phlox::tools {

/// Traces the program `policy` with one entry point, `act`, around the one
/// that the request names.
///
/// Errors:  std::runtime_error for a program that cannot be read or whose
///          entry point has another form.
Program cut_policy(std::span<const std::uint8_t> ir,
                   const PolicyRequest &request);

} // namespace phlox::tools
