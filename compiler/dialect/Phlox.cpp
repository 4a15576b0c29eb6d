#include "compiler/dialect/Phlox.h"
#include "mlir/IR/DialectImplementation.h"
#include "llvm/Support/raw_ostream.h"

#include "compiler/dialect/PhloxDialect.cpp.inc"
#include "compiler/dialect/PhloxEnums.cpp.inc"
#include "compiler/dialect/PhloxRules.cpp.inc"

namespace phlox {

void PhloxDialect::initialize() {
  addOperations<
#define GET_OP_LIST
#include "compiler/dialect/PhloxOps.cpp.inc"
      >();
}

mlir::Operation *PhloxDialect::materializeConstant(mlir::OpBuilder &builder,
                                                   mlir::Attribute value,
                                                   mlir::Type type,
                                                   mlir::Location loc) {
  auto elements = mlir::dyn_cast<mlir::DenseElementsAttr>(value);
  if (!elements || elements.getType() != type)
    return nullptr;
  return ConstantOp::create(builder, loc, elements);
}

std::string formatShape(ArrayRef<int64_t> shape) {
  if (shape.empty())
    return "()";
  std::string text;
  llvm::raw_string_ostream os(text);
  llvm::interleave(shape, os, "x");
  return text;
}

} // namespace phlox

#define GET_OP_CLASSES
#include "compiler/dialect/PhloxOps.cpp.inc"
