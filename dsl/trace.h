// Builds the graph of one entry point: inserts checked ops, knows scopes and
// the bodies of scans and vmaps that are open.
#pragma once
#include "dsl/tensor.h"
#include "llvm/ADT/DenseMap.h"
#include <map>
#include <memory>
#include <string>

namespace phlox {

class Trace {
public:
  /// Builds at the end of `block`; `name` is the entry point's.
  Trace(mlir::MLIRContext *context, mlir::Block *block, std::string name);

  mlir::MLIRContext *context() const { return builder.getContext(); }
  const std::string &name() const { return name_; }
  /// Returns file, line and column inside the open scopes.
  mlir::Location location(std::source_location at) const;
  /// Hands a value into the innermost open body, as a constant of every body on
  /// the way.
  ///
  /// Errors: Error if the value was made inside a body that is closed.
  mlir::Value resolve(const Tensor &tensor, std::source_location at);
  /// Registers a noise stream.
  ///
  /// Errors: Error if the name is taken, its hash collides with another's, or
  ///         a body is open.
  void draw(std::string_view stream, std::source_location at);
  /// Refuses any further op: the entry point is complete.
  void close() { closed_ = true; }
  /// Throws if the entry point is complete.
  void demand_open(std::source_location at) const;

  /// Opens the body of a function that `name` ("scan") calls; its ops go to
  /// `block`.
  void push_body(mlir::Block *block, std::string_view name = "");
  /// Closes it and returns what it used of the outside, in order of use; the
  /// body's last block arguments stand for them.
  std::vector<mlir::Value> pop_body();
  /// Makes a block that lives as long as the trace: what was made in it can be
  /// refused later.
  mlir::Block *make_block();

  mlir::OpBuilder builder;
  std::vector<std::string> scopes;

private:
  struct Body {
    Body(mlir::Block *block, std::string_view name)
        : block(block), name(name) {}
    mlir::Block *block;
    std::string name;
    llvm::DenseMap<mlir::Value, mlir::Value> imported;
    std::vector<mlir::Value> constants;
  };
  std::string name_;
  std::vector<Body> bodies_; // the function's own first
  std::map<uint32_t, std::string> streams_;
  std::vector<std::unique_ptr<mlir::Region>> regions_; // of make_block
  bool closed_ = false;
};

/// Closes a body, also when the user's function throws.
class OpenBody {
public:
  OpenBody(Trace &trace, mlir::Block *block, std::string_view name)
      : trace(trace) {
    trace.push_body(block, name);
  }
  ~OpenBody() {
    if (open)
      trace.pop_body();
  }
  OpenBody(const OpenBody &) = delete;
  OpenBody &operator=(const OpenBody &) = delete;
  std::vector<mlir::Value> close() {
    open = false;
    return trace.pop_body();
  }

private:
  Trace &trace;
  bool open = true;
};

/// Names the ops made while it lives: Scope layer(trace, "critic/layer1").
class Scope {
public:
  Scope(Trace &trace, std::string name) : trace(trace) {
    trace.scopes.push_back(std::move(name));
  }
  ~Scope() { trace.scopes.pop_back(); }
  Scope(const Scope &) = delete;
  Scope &operator=(const Scope &) = delete;

private:
  Trace &trace;
};

/// Hands several tensors into the innermost open body; `name` is the caller's.
///
/// Errors: Error if one is empty or belongs to another entry point.
std::vector<mlir::Value> resolve_all(Trace &trace, std::string_view name,
                                     const std::vector<Tensor> &tensors,
                                     std::source_location at);
/// Returns values as the user's functions get them.
std::vector<Tensor> tensors_of(mlir::ValueRange values, Trace &trace);

/// Returns the 32-bit FNV-1a hash that a stream's name is counted under.
uint32_t hash_stream(std::string_view name);

/// One op being made: collects operands, checks, inserts.
class Call {
public:
  Call(std::string_view mnemonic, std::source_location at)
      : mnemonic(mnemonic), at(at) {}

  void operand(const Operand &operand, Element element);
  void operand(const Operands &operands, Element element);
  /// Brings all operands to one shape; numbers become constants of it.
  void broadcast();
  /// Makes constants of rank 0 of numbers.
  void resolve();
  void draw(std::string_view stream) { trace().draw(stream, at); }

  Trace &trace() const { return *trace_; }
  mlir::OpBuilder &builder() const { return trace_->builder; }
  mlir::MLIRContext *context() const { return trace_->context(); }

  /// Infers the result types and inserts the op.
  ///
  /// Errors: Error with the text of the constraint that does not hold.
  template <class Op> Tensor make(const typename Op::Properties &properties) {
    mlir::OperationState state(trace_->location(at), Op::getOperationName());
    state.addOperands(values);
    auto &stored = state.getOrAddProperties<typename Op::Properties>();
    stored = properties;
    return finish(state, mlir::OpaqueProperties(&stored));
  }
  /// Inserts an op whose result types are in the state already.
  Tensor insert(mlir::OperationState &state);
  /// The first operand, resolved.
  mlir::Value value() const { return values.front(); }

private:
  void find_trace();
  Tensor finish(mlir::OperationState &state, mlir::OpaqueProperties properties);
  mlir::Type element_type(size_t i) const;
  mlir::Value splat(size_t i, const Extents &shape);

  std::string mnemonic;
  std::source_location at;
  Trace *trace_ = nullptr;
  std::vector<Operand> operands;
  std::vector<Element> elements;
  std::vector<mlir::Value> values;
};

/// Returns the MLIR type of an element kind; `any` counts as real.
mlir::Type mlir_type(mlir::MLIRContext *context, Element element);

} // namespace phlox
