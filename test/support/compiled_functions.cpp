#include "test/support/compiled_functions.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "test/support/program_runner.h"

namespace phlox::test {

static std::string numbered(unsigned i) { return std::to_string(i); }

CompiledFunctions::CompiledFunctions(mlir::ModuleOp module,
                                     const CompileOptions &options)
    : module(module) {
  mlir::Builder b(module.getContext());
  module->setAttr(kProgramAttr, b.getStringAttr("functions"));
  module->setAttr(kLeavesAttr, b.getArrayAttr({}));
  for (auto function : module.getOps<mlir::func::FuncOp>()) {
    for (unsigned i = 0; i < function.getNumArguments(); i++)
      function.setArgAttr(i, kInputAttr, b.getStringAttr(numbered(i)));
    for (unsigned i = 0; i < function.getNumResults(); i++)
      function.setResultAttr(i, kOutputAttr, b.getStringAttr(numbered(i)));
  }
  compiled = std::make_unique<CompiledProgram>(module, options);
}

CompiledFunctions::~CompiledFunctions() = default;

std::vector<HostTensor>
CompiledFunctions::run(const std::string &name,
                       const std::vector<HostTensor> &arguments) {
  Tensors named;
  for (unsigned i = 0; i < arguments.size(); i++)
    named.emplace(numbered(i), arguments[i]);
  Tensors results = compiled->run(name, named);
  std::vector<HostTensor> ordered;
  for (unsigned i = 0; i < results.size(); i++)
    ordered.push_back(results.at(numbered(i)));
  return ordered;
}

bool runsTarget(const std::string &target) {
  uint64_t needed = PHLOX_ISA_AVX2;
  if (target != "x86-64-v3")
    needed |= PHLOX_ISA_AVX512F | PHLOX_ISA_AVX512BW | PHLOX_ISA_AVX512CD |
              PHLOX_ISA_AVX512DQ | PHLOX_ISA_AVX512VL;
  if (target == "avx512-bf16" || target == "amx")
    needed |= PHLOX_ISA_AVX512BF16;
  if (target == "amx")
    needed |= PHLOX_ISA_AMX_TILE | PHLOX_ISA_AMX_BF16;
  return (phlox_isa_available() & needed) == needed;
}

} // namespace phlox::test
