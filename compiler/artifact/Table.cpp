#include "compiler/artifact/Table.h"
#include "compiler/codegen/cpu/Plan.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/Module.h"

namespace phlox::artifact {

namespace {
phlox_dtype dtypeOf(mlir::Type element) {
  if (element.isF32())
    return PHLOX_F32;
  switch (element.getIntOrFloatBitWidth()) {
  case 1:
    return PHLOX_BOOL;
  case 32:
    return PHLOX_I32;
  default:
    return PHLOX_U64; // seeds, steps and counters
  }
}

// Constants in the layout of phlox/executable.h.
class TableBuilder {
public:
  TableBuilder(llvm::Module &module)
      : module(module), context(module.getContext()),
        pointer(llvm::PointerType::get(context, 0)) {}

  llvm::Constant *u32(uint64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt32Ty(context), value);
  }
  llvm::Constant *u64(uint64_t value) {
    return llvm::ConstantInt::get(llvm::Type::getInt64Ty(context), value);
  }
  llvm::Constant *null() { return llvm::ConstantPointerNull::get(pointer); }

  llvm::Constant *global(llvm::Constant *value, const char *section = nullptr) {
    auto *made = new llvm::GlobalVariable(
        module, value->getType(), /*isConstant=*/true,
        llvm::GlobalValue::InternalLinkage, value, "phlox_table");
    made->setAlignment(llvm::Align(8));
    if (section)
      made->setSection(section);
    return made;
  }
  llvm::Constant *text(llvm::StringRef value) {
    return global(llvm::ConstantDataArray::getString(context, value));
  }
  llvm::Constant *structure(llvm::ArrayRef<llvm::Constant *> fields) {
    return llvm::ConstantStruct::getAnon(context, fields);
  }
  llvm::Constant *array(llvm::ArrayRef<llvm::Constant *> rows) {
    if (rows.empty())
      return null();
    return global(llvm::ConstantArray::get(
        llvm::ArrayType::get(rows[0]->getType(), rows.size()), rows));
  }

  // one that another object of the artifact defines
  llvm::Constant *function(llvm::StringRef name) {
    auto *type =
        llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer},
                                /*isVarArg=*/false);
    auto *made = llvm::Function::Create(
        type, llvm::GlobalValue::ExternalLinkage, name, module);
    made->setVisibility(llvm::GlobalValue::HiddenVisibility);
    return made;
  }

  llvm::Constant *tensors(const std::vector<TensorRow> &rows) {
    std::vector<llvm::Constant *> made;
    for (auto &row : rows) {
      std::vector<llvm::Constant *> dims;
      for (int64_t dim : row.dims)
        dims.push_back(u64(dim));
      made.push_back(
          structure({text(row.name), u32(row.dtype), u32(row.dims.size()),
                     array(dims), u64(row.bytes), u64(row.offset)}));
    }
    return array(made);
  }

  llvm::Module &module;
  llvm::LLVMContext &context;
  llvm::PointerType *pointer;
};
} // namespace

TensorRow makeRow(llvm::StringRef name, mlir::RankedTensorType type) {
  return {name.str(), dtypeOf(type.getElementType()),
          std::vector<int64_t>(type.getShape()),
          uint64_t(cpu::tensorBytes(type)), 0};
}

void addTable(llvm::Module &module, const Table &table,
              const std::string &symbol) {
  TableBuilder b(module);
  std::vector<llvm::Constant *> entries;
  for (auto &entry : table.entries) {
    entries.push_back(
        b.structure({b.text(entry.name), b.u32(entry.inputs.size()),
                     b.u32(entry.outputs.size()), b.tensors(entry.inputs),
                     b.tensors(entry.outputs), b.u32(entry.writesState),
                     b.u32(0), b.u64(entry.flops), b.u64(entry.bytes)}));
  }
  std::vector<llvm::Constant *> variants;
  for (auto &variant : table.variants) {
    std::vector<llvm::Constant *> functions, scratch;
    for (const std::string &name : variant.symbols)
      functions.push_back(b.function(name));
    for (uint64_t bytes : variant.scratchBytes)
      scratch.push_back(b.u64(bytes));
    variants.push_back(b.structure({b.text(variant.target), b.u64(variant.isa),
                                    b.array(functions), b.array(scratch)}));
  }
  std::vector<llvm::Constant *> kernels;
  for (auto &kernel : table.kernels)
    kernels.push_back(b.structure({b.text(kernel.name), b.u32(kernel.entry),
                                   b.u32(kernel.step), b.u64(kernel.calls),
                                   b.u64(kernel.flops), b.u64(kernel.bytes)}));
  // the program lies in a section of its own
  auto *ir = table.ir.empty()
                 ? b.null()
                 : b.global(llvm::ConstantDataArray::getString(
                                b.context, table.ir, /*AddNull=*/false),
                            ".phlox.ir");
  auto *made = b.global(b.structure({b.u64(PHLOX_EXECUTABLE_MAGIC),
                                     b.u32(PHLOX_EXECUTABLE_VERSION),
                                     b.u32(sizeof(phlox_executable_table)),
                                     b.text(table.program),
                                     b.text(table.options),
                                     b.text(table.compiler),
                                     b.text(table.hash),
                                     b.u64(table.arenaBytes),
                                     b.u32(table.leaves.size()),
                                     b.u32(table.entries.size()),
                                     b.u32(variants.size()),
                                     b.u32(kernels.size()),
                                     b.tensors(table.leaves),
                                     b.array(entries),
                                     b.array(variants),
                                     ir,
                                     b.u64(table.ir.size()),
                                     b.array(kernels),
                                     b.null(),
                                     b.null(),
                                     b.null()}));

  auto *type = llvm::FunctionType::get(
      b.pointer, {llvm::Type::getInt32Ty(b.context)}, false);
  auto *query = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage,
                                       symbol, module);
  llvm::IRBuilder<> code(llvm::BasicBlock::Create(b.context, "", query));
  auto *known =
      code.CreateICmpEQ(query->getArg(0), b.u32(PHLOX_EXECUTABLE_VERSION));
  code.CreateRet(code.CreateSelect(known, made, b.null()));
}

std::string identifier(llvm::StringRef program) {
  std::string name = program.str();
  for (char &c : name)
    if (!llvm::isAlnum(static_cast<unsigned char>(c)))
      c = '_';
  return name;
}

namespace {
void describe(llvm::raw_ostream &os, const TensorRow &row) {
  static constexpr const char *names[] = {"",    "F32", "F64", "BF16", "I32",
                                          "U32", "I64", "U64", "BOOL"};
  // a name stands inside a comment and must not end it
  for (char c : row.name)
    os << (c == '*' || !llvm::isPrint(c) ? '_' : c);
  os << " (";
  llvm::interleaveComma(row.dims, os);
  os << ") " << names[row.dtype];
}
} // namespace

std::string headerText(const Table &table, const std::string &symbol) {
  std::string text;
  llvm::raw_string_ostream os(text);
  std::string guard =
      llvm::StringRef("PHLOX_" + identifier(table.program) + "_H").upper();
  os << "/* Written by " << table.compiler << " for the program '"
     << table.program << "', content " << table.hash.substr(0, 16)
     << ". */\n#ifndef " << guard << "\n#define " << guard
     << "\n#include \"phlox/executable.h\"\n\n#ifdef __cplusplus\nextern "
        "\"C\" {\n#endif\n\n";
  std::string macro =
      llvm::StringRef("PHLOX_" + identifier(table.program)).upper();
  os << "#define " << macro << "_HASH \"" << table.hash << "\"\n"
     << "#define " << macro << "_ARENA_BYTES " << table.arenaBytes << "\n\n";
  os << "/* Entry points:\n";
  for (auto &entry : table.entries) {
    os << "   " << entry.name
       << (entry.writesState ? " (writes the state)" : "") << "\n";
    for (auto &input : entry.inputs)
      os << "     in  ", describe(os, input), os << "\n";
    for (auto &output : entry.outputs)
      os << "     out ", describe(os, output), os << "\n";
  }
  os << "*/\n\n/* Returns the table, or null for another version; pass it to "
        "phlox_executable_wrap. */\nconst phlox_executable_table *"
     << symbol
     << "(uint32_t version);\n\n#ifdef __cplusplus\n}\n#endif\n#endif\n";
  return text;
}

} // namespace phlox::artifact
