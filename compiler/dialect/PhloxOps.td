// All ops; one file per family.
#ifndef PHLOX_OPS_TD
#define PHLOX_OPS_TD
include "compiler/dialect/Pointwise.td"
include "compiler/dialect/Shape.td"
include "compiler/dialect/Reduction.td"
include "compiler/dialect/Random.td"
include "compiler/dialect/Control.td"
#endif
