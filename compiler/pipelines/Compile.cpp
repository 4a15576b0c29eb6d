// The pipeline from a program to an object: simplify, plan, emit, lower.
#include "compiler/pipelines/Compile.h"
#include "compiler/artifact/Table.h"
#include "compiler/codegen/cpu/Emit.h"
#include "compiler/codegen/cpu/Object.h"
#include "compiler/pipelines/BuildId.h"
#include "compiler/pipelines/Check.h"
#include "mlir/Bytecode/BytecodeWriter.h"
#include "mlir/Dialect/AMX/AMXDialect.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/SHA256.h"

namespace phlox {

void registerPhloxDialects(mlir::DialectRegistry &registry) {
  registry.insert<PhloxDialect, mlir::func::FuncDialect>();
}

std::string compilerVersion() {
  return "Phlox " PHLOX_VERSION_TEXT " (build " + buildId().substr(0, 12) +
         "), LLVM " LLVM_VERSION_STRING;
}

namespace {
std::string bytecode(mlir::ModuleOp module) {
  std::string bytes;
  llvm::raw_string_ostream os(bytes);
  if (mlir::failed(mlir::writeBytecodeToFile(module, os)))
    llvm::report_fatal_error("phlox: bytecode cannot be written");
  return bytes;
}

// where a user's checkout lies must not change the hash
std::string textWithoutLocations(mlir::ModuleOp module) {
  std::string text;
  llvm::raw_string_ostream os(text);
  module.print(os, mlir::OpPrintingFlags().printGenericOpForm());
  return text;
}

llvm::Error dumpTo(mlir::ModuleOp module, const std::string &directory,
                   const char *phase) {
  if (directory.empty())
    return llvm::Error::success();
  if (auto error = llvm::sys::fs::create_directories(directory))
    return llvm::createStringError(directory + ": " + error.message());
  std::error_code error;
  std::string path = directory + "/" + phase + ".mlir";
  llvm::raw_fd_ostream file(path, error);
  if (error)
    return llvm::createStringError(path + ": " + error.message());
  module.print(file);
  file.close();
  if (file.has_error()) {
    error = file.error();
    file.clear_error(); // or the stream would end the process
    return llvm::createStringError(path + ": " + error.message());
  }
  return llvm::Error::success();
}

// offsets of all leaves, aligned to cache lines, in declaration order
std::vector<artifact::TensorRow> layOutLeaves(mlir::ModuleOp program,
                                              uint64_t &arenaBytes) {
  std::vector<artifact::TensorRow> rows;
  uint64_t offset = 0;
  for (auto attr : program->getAttrOfType<mlir::ArrayAttr>(kLeavesAttr)) {
    auto leaf = mlir::cast<mlir::DictionaryAttr>(attr);
    rows.push_back(
        artifact::makeRow(leaf.getAs<mlir::StringAttr>("name").getValue(),
                          mlir::cast<RankedTensorType>(
                              leaf.getAs<mlir::TypeAttr>("type").getValue())));
    rows.back().offset = offset;
    offset = (offset + rows.back().bytes + 63) / 64 * 64;
  }
  arenaBytes = offset;
  return rows;
}

// lets passes run on functions side by side
struct SeveralThreads {
  explicit SeveralThreads(mlir::MLIRContext &context)
      : context(context), before(context.isMultithreadingEnabled()) {
    context.enableMultithreading();
  }
  ~SeveralThreads() { context.enableMultithreading(before); }
  mlir::MLIRContext &context;
  bool before;
};

artifact::EntryRow makeEntry(mlir::func::FuncOp function) {
  artifact::EntryRow row;
  row.name = function.getSymName();
  for (auto argument : function.getArguments())
    if (auto name = function.getArgAttrOfType<mlir::StringAttr>(
            argument.getArgNumber(), kInputAttr))
      row.inputs.push_back(
          artifact::makeRow(name.getValue(), tensorType(argument)));
  for (auto [i, type] : llvm::enumerate(function.getResultTypes()))
    if (auto name =
            function.getResultAttrOfType<mlir::StringAttr>(i, kOutputAttr))
      row.outputs.push_back(artifact::makeRow(
          name.getValue(), mlir::cast<RankedTensorType>(type)));
  return row;
}

// plans, emits and compiles the program for one target
llvm::Error addVariant(mlir::ModuleOp graph, const cpu::Target &target,
                       const cpu::LeafOffsets &offsets,
                       const CompileOptions &options, artifact::Table &table,
                       CompiledObject &result) {
  auto &times = result.times;
  artifact::VariantRow variant{target.name, target.isa, {}, {}};
  const std::string tag =
      table.hash.substr(0, 12) + "_" + target.shortName().str();
  // dumps of further targets carry their name
  const std::string suffix =
      table.variants.empty() ? "" : "-" + target.shortName().str();
  cpu::ObjectOptions emitted{{}, tag, ""};
  mlir::OwningOpRef<mlir::ModuleOp> code(
      mlir::ModuleOp::create(graph.getLoc()));
  cpu::SharedCode shared;
  for (auto [i, function] :
       llvm::enumerate(graph.getOps<mlir::func::FuncOp>())) {
    auto plan = cpu::makePlan(function, offsets, target);
    times.lap("plan");
    if (options.records)
      for (auto &kernel : cpu::numberKernels(*plan, table.kernels.size()))
        table.kernels.push_back({kernel.name, i, uint64_t(kernel.step),
                                 uint64_t(kernel.calls), uint64_t(kernel.flops),
                                 uint64_t(kernel.bytes)});
    cpu::emitPlan(*plan, target, *code, shared);
    artifact::EntryRow &entry = table.entries[i];
    entry.writesState = plan->writesState;
    entry.flops = uint64_t(plan->flops);
    entry.bytes = uint64_t(plan->bytes);
    emitted.exported.push_back(cpu::entrySymbol(entry.name));
    variant.symbols.push_back(cpu::tagSymbol(emitted.exported.back(), tag));
    variant.scratchBytes.push_back(plan->scratchBytes);
    times.lap("emit kernels");
  }
  if (auto error =
          dumpTo(*code, options.dumpDirectory, ("20-kernels" + suffix).c_str()))
    return error;
  if (auto error = cpu::lowerToLlvm(*code, target.amx))
    return error;
  times.lap("lower to LLVM's dialect");
  if (!options.dumpDirectory.empty())
    emitted.dump = options.dumpDirectory + "/90-llvm" + suffix;
  auto objects = cpu::emitObjects(*code, target, emitted, &times);
  if (!objects)
    return objects.takeError();
  llvm::append_range(result.objects,
                     llvm::make_range(std::make_move_iterator(objects->begin()),
                                      std::make_move_iterator(objects->end())));
  table.variants.push_back(std::move(variant));
  return llvm::Error::success();
}
} // namespace

std::string contentHash(mlir::ModuleOp program, const CompileOptions &options) {
  llvm::SHA256 hash;
  auto add = [&](llvm::StringRef text) {
    hash.update(std::to_string(text.size()));
    hash.update(":");
    hash.update(text);
  };
  add(compilerVersion());
  auto targets = cpu::lookupTargets(options.target);
  if (targets)
    targets = cpu::withPrecision(std::move(*targets), options);
  if (targets) {
    for (const cpu::Target &target : *targets)
      add(target.name + "," + std::to_string(target.bf16Parts));
  } else {
    llvm::consumeError(targets.takeError());
    add(options.target);
    add(options.precision);
  }
  add(options.explicitNoise ? "explicit noise" : "");
  for (const std::string &name : rewriteNames())
    add(llvm::is_contained(options.without, name) ? "without " + name : "");
  add(std::to_string(options.leastGain));
  add(options.records ? "records" : "");
  add(options.description);
  add(textWithoutLocations(program));
  return llvm::toHex(hash.final(), /*LowerCase=*/true);
}

llvm::Expected<CompiledObject> compile(mlir::ModuleOp program,
                                       const CompileOptions &options) {
  CompiledObject result;
  auto &times = result.times;
  auto targets = cpu::lookupTargets(options.target);
  if (targets)
    targets = cpu::withPrecision(std::move(*targets), options);
  if (!targets)
    return targets.takeError();
  if (options.records && targets->size() > 1)
    return llvm::createStringError("records must be of one target: got '" +
                                   options.target + "'");
  if (auto error = checkProgram(program))
    return error;
  artifact::Table table;
  auto name = program->getAttrOfType<mlir::StringAttr>(kProgramAttr);
  table.program = name ? name.str() : "program";
  table.options = options.description.empty() ? "{}" : options.description;
  table.compiler = compilerVersion();
  table.hash = contentHash(program, options);
  mlir::OwningOpRef<mlir::ModuleOp> withInputs;
  if (options.explicitNoise) {
    withInputs = mlir::cast<mlir::ModuleOp>(program->clone());
    if (auto error = makeNoiseExplicit(*withInputs))
      return error;
    program = *withInputs; // for the other modes too
  }
  if (options.embedIr)
    table.ir = bytecode(program);
  times.lap("check, hash, bytecode");
  table.leaves = layOutLeaves(program, table.arenaBytes);
  cpu::LeafOffsets offsets;
  for (auto &leaf : table.leaves)
    offsets[leaf.name] = leaf.offset;

  mlir::OwningOpRef<mlir::ModuleOp> graph(
      mlir::cast<mlir::ModuleOp>(program->clone()));
  if (auto error = dumpTo(*graph, options.dumpDirectory, "00-program"))
    return error;
  if (auto error = simplify(*graph, options))
    return error;
  times.lap("passes on the graph");
  if (auto error = dumpTo(*graph, options.dumpDirectory, "10-simplified"))
    return error;

  auto *context = program.getContext();
  SeveralThreads several(*context);
  context->loadDialect<mlir::LLVM::LLVMDialect, mlir::arith::ArithDialect,
                       mlir::math::MathDialect, mlir::vector::VectorDialect,
                       mlir::scf::SCFDialect, mlir::cf::ControlFlowDialect,
                       mlir::amx::AMXDialect>();
  for (auto function : graph->getOps<mlir::func::FuncOp>())
    table.entries.push_back(makeEntry(function));
  for (const cpu::Target &target : *targets)
    if (auto error =
            addVariant(*graph, target, offsets, options, table, result))
      return error;
  result.symbol = "phlox_" + artifact::identifier(table.program) + "_query";
  result.hash = table.hash;
  auto object = cpu::emitTable([&](llvm::Module &module) {
    artifact::addTable(module, table, result.symbol);
  });
  if (!object)
    return object.takeError();
  result.objects.push_back(std::move(*object));
  result.header = artifact::headerText(table, result.symbol);
  return result;
}

} // namespace phlox
