// Kernels with loops of their own, for ops that neither fuse nor decompose.
#pragma once
#include "compiler/codegen/Lowering.h"

namespace phlox {
OwnKernel padKernel(PadOp op);
OwnKernel gatherKernel(GatherOp op);
OwnKernel scatterAddKernel(ScatterAddOp op);
OwnKernel cumsumKernel(CumsumOp op);
OwnKernel argMaxKernel(ArgMaxOp op);
OwnKernel logDetKernel(LogDetOp op);
OwnKernel inverseKernel(InverseOp op);
OwnKernel choleskyKernel(CholeskyOp op);
} // namespace phlox
