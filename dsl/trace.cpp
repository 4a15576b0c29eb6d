#include "dsl/trace.h"
#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include <algorithm>

namespace phlox {
namespace {

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.find_last_of('/') + 1));
}

// Collects the diagnostics of one op instead of printing them.
struct Listener {
  explicit Listener(mlir::MLIRContext *context)
      : handler(context, [this](mlir::Diagnostic &diagnostic) {
          if (text.empty())
            text = diagnostic.str();
          return mlir::success();
        }) {}
  std::string text;
  mlir::ScopedDiagnosticHandler handler;
};

} // namespace

std::string format_location(std::source_location at) {
  return base_name(at.file_name()) + ":" + std::to_string(at.line()) + ":" +
         std::to_string(at.column());
}

Error::Error(std::source_location at, std::string_view what)
    : std::runtime_error(format_location(at) + ": error: " + std::string(what)),
      at_(at) {}

uint32_t hash_stream(std::string_view name) {
  uint32_t hash = 2166136261u;
  for (unsigned char c : name)
    hash = (hash ^ c) * 16777619u;
  return hash;
}

mlir::Type mlir_type(mlir::MLIRContext *context, Element element) {
  mlir::Builder builder(context);
  switch (element) {
  case Element::index:
    return builder.getI32Type();
  case Element::count:
    return builder.getI64Type();
  case Element::truth:
    return builder.getI1Type();
  case Element::any:
  case Element::real:
    break;
  }
  return builder.getF32Type();
}

Trace::Trace(mlir::MLIRContext *context, mlir::Block *block, std::string name)
    : builder(context), name_(std::move(name)) {
  push_body(block);
}

mlir::Location Trace::location(std::source_location at) const {
  mlir::Location place = mlir::FileLineColLoc::get(
      context(), base_name(at.file_name()), at.line(), at.column());
  if (scopes.empty())
    return place;
  std::string name = scopes.front();
  for (size_t i = 1; i < scopes.size(); ++i)
    name += "/" + scopes[i];
  return mlir::NameLoc::get(mlir::StringAttr::get(context(), name), place);
}

mlir::Value Trace::resolve(const Tensor &tensor, std::source_location at) {
  mlir::Value value = tensor.value();
  auto home =
      std::find_if(bodies_.begin(), bodies_.end(), [&](const Body &body) {
        return body.block == value.getParentBlock();
      });
  if (home == bodies_.end())
    throw Error(at, "tensor must be used inside the body that made it");
  for (++home; home != bodies_.end(); ++home) {
    mlir::Value &inside = home->imported[value];
    if (!inside) {
      inside = home->block->addArgument(value.getType(), value.getLoc());
      home->constants.push_back(value);
    }
    value = inside;
  }
  return value;
}

void Trace::draw(std::string_view stream, std::source_location at) {
  if (bodies_.size() > 1)
    throw Error(at, "noise must be drawn outside of a " + bodies_.back().name +
                        "'s body, one draw for all its runs: got '" +
                        std::string(stream) + "' inside");
  auto [entry, added] = streams_.emplace(hash_stream(stream), stream);
  if (added)
    return;
  if (entry->second == stream)
    throw Error(at, "noise stream must be drawn once per entry point: got '" +
                        std::string(stream) + "' twice");
  throw Error(at, "noise streams must have distinct hashes: got '" +
                      entry->second + "' and '" + std::string(stream) + "'");
}

std::vector<mlir::Value> resolve_all(Trace &trace, std::string_view name,
                                     const std::vector<Tensor> &tensors,
                                     std::source_location at) {
  std::vector<mlir::Value> values;
  for (const Tensor &tensor : tensors) {
    if (tensor.empty() || &tensor.trace() != &trace)
      throw Error(at, std::string(name) +
                          ": tensors must belong to one entry point");
    values.push_back(trace.resolve(tensor, at));
  }
  return values;
}

std::vector<Tensor> tensors_of(mlir::ValueRange values, Trace &trace) {
  std::vector<Tensor> tensors;
  for (mlir::Value value : values)
    tensors.emplace_back(value, &trace);
  return tensors;
}

void Trace::demand_open(std::source_location at) const {
  if (closed_)
    throw Error(at, "tensor must be used inside its entry point: '" + name_ +
                        "' is complete");
}

mlir::Block *Trace::make_block() {
  regions_.push_back(std::make_unique<mlir::Region>());
  return &regions_.back()->emplaceBlock();
}

void Trace::push_body(mlir::Block *block, std::string_view name) {
  bodies_.emplace_back(block, name);
  builder.setInsertionPointToEnd(block);
}

std::vector<mlir::Value> Trace::pop_body() {
  std::vector<mlir::Value> constants = std::move(bodies_.back().constants);
  bodies_.pop_back();
  builder.setInsertionPointToEnd(bodies_.back().block);
  return constants;
}

void Call::operand(const Operand &operand, Element element) {
  operands.push_back(operand);
  elements.push_back(element);
}

void Call::operand(const Operands &list, Element element) {
  for (const Operand &each : list)
    operand(each, element);
}

void Call::find_trace() {
  for (const Operand &operand : operands) {
    if (operand.is_number())
      continue;
    if (trace_ && trace_ != &operand.tensor.trace())
      throw Error(at, "operands must belong to one entry point: got '" +
                          trace_->name() + "' and '" +
                          operand.tensor.trace().name() + "'");
    trace_ = &operand.tensor.trace();
  }
  if (!trace_)
    throw Error(at, mnemonic + ": one operand must be a tensor: got " +
                        (operands.empty() ? "none" : "numbers only"));
  trace_->demand_open(at);
}

mlir::Type Call::element_type(size_t i) const {
  if (elements[i] != Element::any)
    return mlir_type(context(), elements[i]);
  // as the other operands of any type
  for (size_t j = 0; j < operands.size(); ++j)
    if (elements[j] == Element::any && !operands[j].is_number())
      return tensorType(operands[j].tensor.value()).getElementType();
  return mlir_type(context(), Element::real);
}

mlir::Value Call::splat(size_t i, const Extents &shape) {
  mlir::Type element = element_type(i);
  auto type = mlir::RankedTensorType::get(shape, element);
  double number = operands[i].number;
  mlir::Attribute value;
  if (element.isF32())
    value = builder().getFloatAttr(element, static_cast<float>(number));
  else
    value = builder().getIntegerAttr(element, static_cast<int64_t>(number));
  return ConstantOp::create(builder(), trace_->location(at),
                            mlir::DenseElementsAttr::get(type, value));
}

void Call::broadcast() {
  find_trace();
  // right-aligned: every axis takes the one extent that is not 1
  Extents shape;
  std::string shapes;
  bool fits = true;
  for (const Operand &operand : operands) {
    if (operand.is_number())
      continue;
    ArrayRef<int64_t> own = shapeOf(operand.tensor.value());
    shapes += (shapes.empty() ? "" : " and ") + formatShape(own);
    if (own.size() > shape.size())
      shape.insert(shape.begin(), own.size() - shape.size(), 1);
    for (size_t i = 0; i < own.size(); ++i) {
      int64_t &extent = shape[shape.size() - own.size() + i];
      fits &= extent == own[i] || extent == 1 || own[i] == 1;
      extent = extent == 1 ? own[i] : extent;
    }
  }
  if (!fits)
    throw Error(at, "[" + mnemonic +
                        "_c1] operands must broadcast to one shape: got " +
                        shapes);
  for (size_t i = 0; i < operands.size(); ++i) {
    if (operands[i].is_number()) {
      values.push_back(splat(i, shape));
      continue;
    }
    mlir::Value value = trace_->resolve(operands[i].tensor, at);
    if (shapeOf(value) != ArrayRef<int64_t>(shape))
      value =
          BroadcastOp::create(builder(), trace_->location(at), value, shape);
    values.push_back(value);
  }
}

void Call::resolve() {
  find_trace();
  for (size_t i = 0; i < operands.size(); ++i)
    values.push_back(operands[i].is_number()
                         ? splat(i, {})
                         : trace_->resolve(operands[i].tensor, at));
}

Tensor Call::finish(mlir::OperationState &state,
                    mlir::OpaqueProperties properties) {
  Listener listener(context());
  auto *interface = state.name.getInterface<mlir::InferTypeOpInterface>();
  if (!interface || mlir::failed(interface->inferReturnTypes(
                        context(), state.location, state.operands, nullptr,
                        properties, {}, state.types)))
    throw Error(at, listener.text.empty()
                        ? mnemonic + ": operands and attributes must fit"
                        : listener.text);
  return insert(state);
}

Tensor Call::insert(mlir::OperationState &state) {
  Listener listener(context());
  mlir::Operation *op = builder().create(state);
  if (mlir::failed(mlir::verify(op, /*verifyRecursively=*/false))) {
    op->erase();
    throw Error(at, listener.text);
  }
  return Tensor(op->getResult(0), trace_);
}

} // namespace phlox
