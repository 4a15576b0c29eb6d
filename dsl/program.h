// A program: named state leaves and entry points, traced into one module.
#pragma once
#include "dsl/control.h"
#include "dsl/key.h"
#include "dsl/tensor.h"
#include "dsl/trace.h"
#include "mlir/IR/BuiltinOps.h"
#include <functional>
#include <memory>
#include <string>

namespace phlox {

class Entry;

/// Names one leaf of a program's state.
class Leaf {
public:
  Leaf() = default;
  const std::string &name() const { return name_; }
  const Extents &shape() const { return shape_; }

private:
  friend class Program;
  friend class Entry;
  const void *owner_ = nullptr;
  size_t index_ = 0;
  std::string name_;
  Extents shape_;
};

/// State and entry points; owns the MLIR context and the module.
///
/// The module carries `phlox.program` (name) and `phlox.leaves` (one dictionary
/// {name, type} per leaf); each entry point is a `func.func` whose arguments
/// are the leaves it reads (`phlox.leaf`), then its inputs (`phlox.input`), and
/// whose results are the leaves it writes, then its outputs (`phlox.output`).
class Program {
public:
  explicit Program(std::string name);
  Program(Program &&) noexcept;
  Program &operator=(Program &&) noexcept;
  ~Program();

  const std::string &name() const;
  /// Adds a leaf of reals; its name is a path such as "critic/0/layer1/weight".
  ///
  /// Errors: Error if the name is empty or taken, or an extent is below 1.
  Leaf leaf(std::string name, Extents shape,
            std::source_location at = std::source_location::current());
  /// Adds an unsigned 64-bit scalar leaf: a seed or a counter.
  Leaf counter(std::string name,
               std::source_location at = std::source_location::current());
  /// Traces an entry point; all its leaves must have been added before.
  ///
  /// Errors: Error if the name is taken, and whatever `body` throws.
  void entry(std::string name, const std::function<void(Entry &)> &body,
             std::source_location at = std::source_location::current());

  /// Returns the traced program; it lives as long as this object.
  ///
  /// Errors: std::logic_error if the module does not verify.
  mlir::ModuleOp module() const;
  mlir::MLIRContext *context() const;

private:
  friend class Entry;
  struct State;
  std::unique_ptr<State> state;
};

/// An entry point being traced: its inputs, state and outputs.
class Entry {
public:
  /// Adds an input.
  ///
  /// Errors: Error if the name is taken or an extent is below 1.
  Tensor input(std::string name, const Extents &shape,
               Element element = Element::real,
               std::source_location at = std::source_location::current());
  /// Returns what a leaf holds now: what was written last, else its value
  /// before the call.
  Tensor read(const Leaf &leaf,
              std::source_location at = std::source_location::current());
  /// Sets what a leaf holds from here on; a number fills it.
  ///
  /// Errors: Error if the value does not have the leaf's type.
  void write(const Leaf &leaf, const Operand &value,
             std::source_location at = std::source_location::current());
  /// Adds an output.
  ///
  /// Errors: Error if the name is taken.
  void output(std::string name, const Tensor &value,
              std::source_location at = std::source_location::current());
  /// Makes a tensor of one real number.
  Tensor scalar(double number,
                std::source_location at = std::source_location::current());
  /// Makes an unsigned 64-bit scalar.
  Tensor count(uint64_t number,
               std::source_location at = std::source_location::current());

  Trace &trace();
  const std::string &name() const;

private:
  friend class Program;
  struct State;
  explicit Entry(State &state) : state(state) {}
  void demand_leaf(const Leaf &leaf, std::source_location at) const;
  State &state;
};

} // namespace phlox
