// Passes on the phlox dialect, and their registration.
#pragma once
#include "mlir/Pass/Pass.h"

namespace phlox {
#define GEN_PASS_DECL
#define GEN_PASS_REGISTRATION
#include "compiler/passes/Passes.h.inc"
} // namespace phlox
