// Table-generator back end: reads the ODS files and writes the DSL's op
// functions, one per op: declarations with the op's text as docstring
// (--gen-dsl-decls) and definitions (--gen-dsl-defs).
#include "mlir/TableGen/Attribute.h"
#include "mlir/TableGen/GenInfo.h"
#include "mlir/TableGen/Operator.h"
#include "mlir/TableGen/Trait.h"
#include "mlir/Tools/mlir-tblgen/MlirTblgenMain.h"
#include "llvm/ADT/StringExtras.h"
#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/raw_ostream.h"
#include "llvm/TableGen/Error.h"
#include "llvm/TableGen/Record.h"
#include <optional>
#include <string>
#include <vector>

using llvm::raw_ostream;
using llvm::StringRef;
using mlir::tblgen::NamedAttribute;
using mlir::tblgen::NamedTypeConstraint;
using mlir::tblgen::Operator;

namespace {

// ops whose DSL function is written by hand, below `// MANUAL` in dsl/tensor.h
constexpr StringRef manual[] = {"constant", "iota", "convert", "scan", "yield"};

// How an attribute looks as a C++ parameter, and what turns it into MLIR's.
struct Parameter {
  std::string type, name, attribute, fallback;
};

std::optional<Parameter> parameterOf(const NamedAttribute &named) {
  mlir::tblgen::Attribute attr = named.attr;
  std::string name = named.name.str();
  std::string fallback =
      attr.hasDefaultValue() ? attr.getDefaultValue().str() : "";
  mlir::tblgen::Attribute base = attr.getBaseAttr();
  std::string def = base.getAttrDefName().str();
  auto with = [&](StringRef type, StringRef call) {
    return Parameter{type.str(), name, (call + "(" + name + ")").str(),
                     fallback};
  };
  if (base.isEnumAttr()) {
    std::string type = base.getDef().getValueAsString("cppNamespace").str() +
                       "::" + base.getDef().getValueAsString("className").str();
    return Parameter{
        type, name, type + "Attr::get(call.context(), " + name + ")", fallback};
  }
  if (def == "I64Attr")
    return with("int64_t", "call.builder().getI64IntegerAttr");
  if (def == "F64Attr")
    return with("double", "call.builder().getF64FloatAttr");
  if (def == "BoolAttr")
    return with("bool", "call.builder().getBoolAttr");
  if (def == "StrAttr")
    return with("std::string_view", "call.builder().getStringAttr");
  if (def == "DenseI64ArrayAttr")
    return with("const Extents &", "call.builder().getDenseI64ArrayAttr");
  return std::nullopt;
}

std::string upperFirst(StringRef text) {
  return llvm::toUpper(text[0]) + text.drop_front().str();
}

// What a number becomes when it stands for this operand.
StringRef elementOf(const NamedTypeConstraint &operand) {
  return llvm::StringSwitch<StringRef>(operand.constraint.getDefName())
      .Case("Phlox_FloatTensor", "Element::real")
      .Case("Phlox_IndexTensor", "Element::index")
      .Case("Phlox_CountTensor", "Element::count")
      .Case("Phlox_BoolTensor", "Element::truth")
      .Default("Element::any");
}

// One parameter per operand and attribute, in the order of ODS arguments;
// attributes with a default come last.
bool writeSignature(const Operator &op, raw_ostream &os, bool declaration,
                    std::vector<Parameter> &parameters) {
  std::vector<std::string> required, optional;
  for (int i = 0; i < op.getNumArgs(); ++i) {
    auto argument = op.getArg(i);
    if (auto *operand = llvm::dyn_cast<NamedTypeConstraint *>(argument)) {
      if (operand->isVariadic())
        required.push_back("const Operands &" + operand->name.str());
      else
        required.push_back("const Operand &" + operand->name.str());
      continue;
    }
    auto *named = llvm::dyn_cast<NamedAttribute *>(argument);
    auto parameter = named ? parameterOf(*named) : std::nullopt;
    if (!parameter) {
      llvm::PrintError(op.getLoc(), "attribute type must be one that the DSL "
                                    "can spell: got " +
                                        (named ? named->attr.getAttrDefName()
                                               : StringRef("a property")));
      return false;
    }
    parameters.push_back(*parameter);
    StringRef space = StringRef(parameter->type).ends_with("&") ? "" : " ";
    std::string text = parameter->type + space.str() + parameter->name;
    if (!parameter->fallback.empty()) {
      if (declaration)
        text += " = " + parameter->fallback;
      optional.push_back(text);
    } else {
      required.push_back(text);
    }
  }
  required.insert(required.end(), optional.begin(), optional.end());
  required.push_back(std::string("std::source_location at") +
                     (declaration ? " = std::source_location::current()" : ""));
  os << "Tensor " << op.getDef().getValueAsString("opName") << "("
     << llvm::join(required, ", ") << ")";
  return true;
}

void writeDocstring(const Operator &op, raw_ostream &os) {
  os << "/// " << op.getSummary().trim() << "\n";
  if (!op.hasDescription())
    return;
  os << "///\n";
  llvm::SmallVector<StringRef> lines;
  op.getDescription().trim().split(lines, '\n');
  for (StringRef line : lines)
    os << "/// " << line.trim() << "\n";
}

bool writeDefinition(const Operator &op, raw_ostream &os) {
  std::vector<Parameter> parameters;
  if (!writeSignature(op, os, false, parameters))
    return true;
  StringRef mnemonic = op.getDef().getValueAsString("opName");
  std::string type = op.getCppClassName().str();
  os << " {\n  Call call(\"" << mnemonic << "\", at);\n";
  for (int i = 0; i < op.getNumOperands(); ++i) {
    const NamedTypeConstraint &operand = op.getOperand(i);
    os << "  call.operand(" << operand.name << ", " << elementOf(operand)
       << ");\n";
  }
  if (op.getTrait("::phlox::Pointwise"))
    os << "  call.broadcast();\n";
  else
    os << "  call.resolve();\n";
  if (op.getTrait("::phlox::Random"))
    os << "  call.draw(stream);\n";
  os << "  " << type << "::Properties properties{};\n";
  for (const Parameter &parameter : parameters)
    os << "  properties.set" << upperFirst(parameter.name) << "("
       << parameter.attribute << ");\n";
  os << "  return call.make<" << type << ">(properties);\n}\n\n";
  return false;
}

bool writeDeclaration(const Operator &op, raw_ostream &os) {
  std::vector<Parameter> parameters;
  writeDocstring(op, os);
  if (!writeSignature(op, os, true, parameters))
    return true;
  os << ";\n\n";
  return false;
}

// An Operator points into itself: it is made where it is used, never copied.
template <bool (*write)(const Operator &, raw_ostream &)>
bool writeAll(const llvm::RecordKeeper &records, raw_ostream &os) {
  os << "// Generated from compiler/dialect/PhloxOps.td: do not edit.\n\n";
  for (const llvm::Record *def : records.getAllDerivedDefinitions("Op"))
    if (!llvm::is_contained(manual, def->getValueAsString("opName")))
      if (write(Operator(def), os))
        return true;
  return false;
}

mlir::GenRegistration declarations("gen-dsl-decls",
                                   "declare one DSL function per op",
                                   writeAll<writeDeclaration>);
mlir::GenRegistration definitions("gen-dsl-defs",
                                  "define one DSL function per op",
                                  writeAll<writeDefinition>);

} // namespace

int main(int argc, char **argv) { return mlir::MlirTblgenMain(argc, argv); }
