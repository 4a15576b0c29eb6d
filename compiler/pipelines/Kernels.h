// The kernels of a program as IR, for phlox-opt.
#pragma once

namespace phlox {

/// Makes planning and emission a pass of phlox-opt, to run after
/// simplification:
/// --phlox-kernels="target=x86-64-v4 precision=bf16 amx=on".
void registerKernels();

} // namespace phlox
