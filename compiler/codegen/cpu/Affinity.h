// Where in a step a kernel runs.
#pragma once
#include "compiler/codegen/cpu/Plan.h"

namespace phlox::cpu {

/// Orders the kernels of each step so that the thread that runs one mostly
/// finds what it reads in its own cache. Results do not depend on it.
void orderForCaches(Plan &plan);

} // namespace phlox::cpu
