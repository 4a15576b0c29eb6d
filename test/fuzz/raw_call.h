// An entry function called as the runtime calls it, but in a place where
// nothing helps: memory full of NaN, guarded, tasks from the last to the first.
#pragma once
#include "test/support/program_runner.h"

namespace phlox::fuzz {

/// Runs entry point "f" once so. What it writes outside its memory is added to
/// `problems`.
test::Tensors runRaw(test::CompiledProgram &compiled,
                     const test::Tensors &arguments,
                     std::vector<std::string> &problems);

} // namespace phlox::fuzz
