#include "dsl/program.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/Verifier.h"
#include <map>
#include <set>

namespace phlox {
namespace {

std::string dtype_text(mlir::Type element) {
  return element.isF32()         ? "f32 "
         : element.isInteger(64) ? "u64 "
         : element.isInteger(32) ? "i32 "
                                 : "bool ";
}

std::string type_text(mlir::RankedTensorType type) {
  return dtype_text(type.getElementType()) + formatShape(type.getShape());
}

void demand_name(std::string_view what, const std::string &name, bool taken,
                 std::source_location at) {
  if (name.empty())
    throw Error(at, std::string(what) + " must have a name: got none");
  if (taken)
    throw Error(at, std::string(what) + " must have a name of its own: '" +
                        name + "' is taken");
}

void demand_extents(std::string_view what, const Extents &shape,
                    std::source_location at) {
  for (int64_t extent : shape)
    if (extent < 1)
      throw Error(at, std::string(what) + " must have extents of 1 or more: " +
                          "got " + formatShape(shape));
}

} // namespace

struct Program::State {
  State() : context(mlir::MLIRContext::Threading::DISABLED) {
    context.loadDialect<PhloxDialect, mlir::func::FuncDialect>();
  }
  struct LeafState {
    std::string name;
    mlir::RankedTensorType type;
  };
  std::string name;
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
  std::vector<LeafState> leaves;
  std::set<std::string> leaf_names, entry_names;
  std::vector<std::unique_ptr<Trace>> traces; // tensors point to them
};

struct Entry::State {
  Program::State &program;
  Trace &trace;
  mlir::Block &block;
  size_t leaf_arguments = 0;
  std::vector<std::string> inputs; // names
  std::map<size_t, Tensor> arguments, current;
  std::set<size_t> written;
  std::vector<std::pair<std::string, Tensor>> outputs;
};

Program::Program(std::string name) : state(std::make_unique<State>()) {
  state->name = std::move(name);
  mlir::OpBuilder builder(&state->context);
  state->module =
      mlir::ModuleOp::create(builder, mlir::UnknownLoc::get(&state->context));
  state->module.get()->setAttr(kProgramAttr,
                               builder.getStringAttr(state->name));
}
Program::Program(Program &&) noexcept = default;
Program &Program::operator=(Program &&) noexcept = default;
Program::~Program() = default;

const std::string &Program::name() const { return state->name; }
mlir::MLIRContext *Program::context() const { return &state->context; }

Leaf Program::leaf(std::string name, Extents shape, std::source_location at) {
  demand_name("leaf", name, state->leaf_names.contains(name), at);
  demand_extents("leaf '" + name + "'", shape, at);
  Leaf leaf;
  leaf.owner_ = state.get();
  leaf.index_ = state->leaves.size();
  leaf.name_ = name;
  leaf.shape_ = shape;
  state->leaf_names.insert(name);
  state->leaves.push_back(
      {std::move(name), mlir::RankedTensorType::get(
                            shape, mlir::Float32Type::get(&state->context))});
  return leaf;
}

Leaf Program::counter(std::string name, std::source_location at) {
  Leaf leaf = this->leaf(std::move(name), {}, at);
  state->leaves.back().type = mlir::RankedTensorType::get(
      {}, mlir::IntegerType::get(&state->context, 64));
  return leaf;
}

void Program::entry(std::string name, const std::function<void(Entry &)> &body,
                    std::source_location at) {
  demand_name("entry point", name, state->entry_names.contains(name), at);
  state->entry_names.insert(name);
  mlir::OpBuilder builder(&state->context);
  mlir::Location loc = mlir::UnknownLoc::get(&state->context);
  mlir::OwningOpRef<mlir::func::FuncOp> function = mlir::func::FuncOp::create(
      builder, loc, name, builder.getFunctionType({}, {}));
  mlir::Block &block = *function->addEntryBlock();
  state->traces.push_back(
      std::make_unique<Trace>(&state->context, &block, name));
  Trace &trace = *state->traces.back();
  function.get()->setLoc(trace.location(at));

  Entry::State entry{*state, trace, block, 0, {}, {}, {}, {}, {}};
  Entry handle(entry);
  body(handle);
  trace.close();

  // arguments: leaves in their order, then inputs; results alike
  SmallVector<mlir::Value> results;
  SmallVector<mlir::DictionaryAttr> argument_names, result_names;
  auto named = [&](llvm::StringRef key, const std::string &text) {
    return builder.getDictionaryAttr(
        builder.getNamedAttr(key, builder.getStringAttr(text)));
  };
  for (const auto &[index, tensor] : entry.arguments)
    argument_names.push_back(named(kLeafAttr, state->leaves[index].name));
  for (const std::string &input : entry.inputs)
    argument_names.push_back(named(kInputAttr, input));
  for (size_t index : entry.written) {
    results.push_back(entry.current[index].value());
    result_names.push_back(named(kLeafAttr, state->leaves[index].name));
  }
  for (const auto &[output, tensor] : entry.outputs) {
    results.push_back(tensor.value());
    result_names.push_back(named(kOutputAttr, output));
  }
  mlir::func::ReturnOp::create(trace.builder, loc, results);
  function->setFunctionType(builder.getFunctionType(
      block.getArgumentTypes(), mlir::ValueRange(results).getTypes()));
  function->setAllArgAttrs(argument_names);
  function->setAllResultAttrs(result_names);
  state->module->push_back(function.release());
}

mlir::ModuleOp Program::module() const {
  mlir::OpBuilder builder(&state->context);
  SmallVector<mlir::Attribute> leaves;
  for (const auto &leaf : state->leaves)
    leaves.push_back(builder.getDictionaryAttr(
        {builder.getNamedAttr("name", builder.getStringAttr(leaf.name)),
         builder.getNamedAttr("type", mlir::TypeAttr::get(leaf.type))}));
  state->module.get()->setAttr(kLeavesAttr, builder.getArrayAttr(leaves));
  if (mlir::failed(mlir::verify(*state->module)))
    throw std::logic_error("program '" + state->name + "' must verify");
  return *state->module;
}

Trace &Entry::trace() { return state.trace; }
const std::string &Entry::name() const { return state.trace.name(); }

Tensor Entry::input(std::string name, const Extents &shape, Element element,
                    std::source_location at) {
  demand_name("input", name, llvm::is_contained(state.inputs, name), at);
  demand_extents("input '" + name + "'", shape, at);
  state.trace.demand_open(at);
  state.inputs.push_back(std::move(name));
  auto type = mlir::RankedTensorType::get(
      shape, mlir_type(state.trace.context(), element));
  return Tensor(state.block.addArgument(type, state.trace.location(at)),
                &state.trace);
}

void Entry::demand_leaf(const Leaf &leaf, std::source_location at) const {
  if (leaf.owner_ != &state.program)
    throw Error(at, "leaf '" + leaf.name() +
                        "' must belong to the program of its entry point");
  state.trace.demand_open(at);
}

Tensor Entry::read(const Leaf &leaf, std::source_location at) {
  demand_leaf(leaf, at);
  auto found = state.current.find(leaf.index_);
  if (found != state.current.end())
    return found->second;
  // leaves keep their order among the arguments
  auto place = state.arguments.lower_bound(leaf.index_);
  auto position =
      static_cast<unsigned>(std::distance(state.arguments.begin(), place));
  mlir::Value value = state.block.insertArgument(
      position, state.program.leaves[leaf.index_].type,
      state.trace.location(at));
  Tensor tensor(value, &state.trace);
  state.arguments.emplace(leaf.index_, tensor);
  state.current[leaf.index_] = tensor;
  return tensor;
}

void Entry::write(const Leaf &leaf, const Operand &value,
                  std::source_location at) {
  demand_leaf(leaf, at);
  mlir::RankedTensorType type = state.program.leaves[leaf.index_].type;
  Tensor tensor = value.tensor;
  if (value.is_number()) {
    tensor = type.getElementType().isF32()
                 ? fill(scalar(0, at), leaf.shape(), value.number, at)
                 : count(static_cast<uint64_t>(value.number), at);
  }
  if (&tensor.trace() != &state.trace)
    throw Error(at, "leaf '" + leaf.name() +
                        "' must be written with a tensor of its entry point");
  if (tensor.value().getType() != type)
    throw Error(at, "leaf '" + leaf.name() + "' must be written as " +
                        type_text(type) + ": got " +
                        type_text(tensorType(tensor.value())));
  state.current[leaf.index_] =
      Tensor(state.trace.resolve(tensor, at), &state.trace);
  state.written.insert(leaf.index_);
}

void Entry::output(std::string name, const Tensor &value,
                   std::source_location at) {
  bool taken = false;
  for (const auto &[other, tensor] : state.outputs)
    taken |= other == name;
  demand_name("output", name, taken, at);
  if (value.empty() || &value.trace() != &state.trace)
    throw Error(at,
                "output '" + name + "' must be a tensor of its entry point");
  state.trace.demand_open(at);
  state.outputs.emplace_back(
      std::move(name), Tensor(state.trace.resolve(value, at), &state.trace));
}

Tensor Entry::scalar(double number, std::source_location at) {
  auto real = static_cast<float>(number);
  return constant(state.trace, {}, {&real, 1}, at);
}

Tensor Entry::count(uint64_t number, std::source_location at) {
  state.trace.demand_open(at);
  auto type = mlir::RankedTensorType::get(
      {}, mlir_type(state.trace.context(), Element::count));
  auto value =
      state.trace.builder.getI64IntegerAttr(static_cast<int64_t>(number));
  return Tensor(ConstantOp::create(
                    state.trace.builder, state.trace.location(at),
                    mlir::DenseElementsAttr::get(type, mlir::Attribute(value))),
                &state.trace);
}

} // namespace phlox
