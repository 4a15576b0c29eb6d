#include "test/support/program_runner.h"
#include "compiler/artifact/Link.h"
#include "compiler/interpreter/Interpreter.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include <cmath>
#include <cstring>
#include <random>
#include <stdexcept>
#include <unistd.h>

namespace phlox::test {

namespace {
void check(phlox_status *status) {
  if (!status)
    return;
  std::string text = phlox_status_message(status);
  phlox_status_free(status);
  throw std::runtime_error(text);
}

void check(llvm::Error error) {
  if (error)
    throw std::runtime_error(llvm::toString(std::move(error)));
}

template <class T> void pack(const HostTensor &tensor, std::string &bytes) {
  for (int64_t i = 0; i < tensor.size(); i++) {
    T value = tensor.isReal() ? T(tensor.reals[i]) : T(tensor.counts[i]);
    bytes.append(reinterpret_cast<const char *>(&value), sizeof(T));
  }
}

std::string toBytes(const HostTensor &tensor) {
  std::string bytes;
  auto element = tensor.type.getElementType();
  if (element.isF32())
    pack<float>(tensor, bytes);
  else if (element.isInteger(64))
    pack<uint64_t>(tensor, bytes);
  else if (element.isInteger(32))
    pack<uint32_t>(tensor, bytes);
  else
    pack<uint8_t>(tensor, bytes);
  return bytes;
}

HostTensor fromBytes(RankedTensorType type, const char *bytes) {
  HostTensor tensor(type);
  auto element = type.getElementType();
  for (int64_t i = 0; i < tensor.size(); i++) {
    if (element.isF32()) {
      float value;
      std::memcpy(&value, bytes + 4 * i, 4);
      tensor.reals[i] = value;
    } else {
      unsigned width = element.isInteger(64)   ? 8
                       : element.isInteger(32) ? 4
                                               : 1;
      uint64_t value = 0;
      std::memcpy(&value, bytes + width * i, width);
      tensor.counts[i] = value;
    }
  }
  return tensor;
}

mlir::func::FuncOp find(mlir::ModuleOp program, const std::string &entry) {
  auto function = program.lookupSymbol<mlir::func::FuncOp>(entry);
  if (!function)
    throw std::runtime_error("no entry point " + entry);
  return function;
}

std::string nameOf(mlir::func::FuncOp function, unsigned i, bool isResult) {
  auto get = [&](llvm::StringRef attr) {
    return isResult ? function.getResultAttrOfType<mlir::StringAttr>(i, attr)
                    : function.getArgAttrOfType<mlir::StringAttr>(i, attr);
  };
  if (auto leaf = get(kLeafAttr))
    return "leaf:" + leaf.str();
  return get(isResult ? kOutputAttr : kInputAttr).str();
}
} // namespace

CompiledProgram::CompiledProgram(mlir::ModuleOp program,
                                 const CompileOptions &options, int threads)
    : program(program) {
  auto compiled = compile(program, options);
  if (!compiled)
    check(compiled.takeError());
  char name[] = "/tmp/phlox_test_XXXXXX.so";
  close(mkstemps(name, 3));
  file = name;
  check(artifact::writeShared(*compiled, file));
  check(phlox_executable_load(file.c_str(), &loaded));
  check(phlox_pool_create(threads, &pool));
  check(phlox_state_create(loaded, &state));
}

CompiledProgram::~CompiledProgram() {
  for (auto &[name, entry] : entries)
    phlox_entry_free(entry);
  phlox_state_free(state);
  phlox_pool_free(pool);
  phlox_executable_free(loaded);
  unlink(file.c_str());
  unlink((file.substr(0, file.size() - 3) + ".h").c_str());
}

const phlox_executable_table &CompiledProgram::table() const {
  return *phlox_executable_table_of(loaded);
}

std::string CompiledProgram::arena() const {
  return {static_cast<const char *>(phlox_state_arena(state)),
          table().arena_bytes};
}

Tensors CompiledProgram::run(const std::string &name,
                             const Tensors &arguments) {
  auto *&entry = entries[name];
  if (!entry)
    check(phlox_entry_create(loaded, name.c_str(), pool, &entry));
  return run(name, arguments, [&](auto *state, auto inputs, auto outputs) {
    check(phlox_entry_run(entry, state, inputs.data(), inputs.size(),
                          outputs.data(), outputs.size()));
  });
}

Tensors CompiledProgram::run(const std::string &name, const Tensors &arguments,
                             const Runner &runner) {
  auto function = find(program, name);
  for (auto &[leaf, tensor] : arguments)
    if (leaf.starts_with("leaf:")) {
      void *address = nullptr;
      check(phlox_state_leaf(state, leaf.substr(5).c_str(), nullptr, &address));
      auto bytes = toBytes(tensor);
      std::memcpy(address, bytes.data(), bytes.size());
    }
  auto *desc = table().entries;
  while (desc->name != name)
    desc++;
  std::vector<std::string> inputs, outputs;
  std::vector<phlox_buffer> inputBuffers, outputBuffers;
  for (uint32_t i = 0; i < desc->input_count; i++)
    inputs.push_back(toBytes(arguments.at(desc->inputs[i].name)));
  for (uint32_t i = 0; i < desc->output_count; i++)
    outputs.emplace_back(desc->outputs[i].bytes, '\x7f');
  for (auto &bytes : inputs)
    inputBuffers.push_back({bytes.data(), bytes.size()});
  for (auto &bytes : outputs)
    outputBuffers.push_back({bytes.data(), bytes.size()});
  runner(state, inputBuffers, outputBuffers);
  Tensors results;
  unsigned output = 0;
  for (unsigned i = 0; i < function.getNumResults(); i++) {
    auto type = mlir::cast<RankedTensorType>(function.getResultTypes()[i]);
    std::string result = nameOf(function, i, true);
    if (!result.starts_with("leaf:")) {
      results.emplace(result, fromBytes(type, outputs[output++].data()));
      continue;
    }
    void *address = nullptr;
    check(phlox_state_leaf(state, result.substr(5).c_str(), nullptr, &address));
    results.emplace(result,
                    fromBytes(type, static_cast<const char *>(address)));
  }
  return results;
}

Tensors interpretEntry(mlir::ModuleOp program, const std::string &entry,
                       const Tensors &arguments) {
  auto function = find(program, entry);
  std::vector<HostTensor> values;
  for (unsigned i = 0; i < function.getNumArguments(); i++)
    values.push_back(arguments.at(nameOf(function, i, false)));
  auto results = interpret(function, std::move(values));
  if (!results)
    check(results.takeError());
  Tensors named;
  for (unsigned i = 0; i < function.getNumResults(); i++)
    named.emplace(nameOf(function, i, true), std::move((*results)[i]));
  return named;
}

Tensors randomArguments(mlir::ModuleOp program, const std::string &entry,
                        unsigned seed, double scale) {
  auto function = find(program, entry);
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal(0, scale);
  Tensors arguments;
  for (unsigned i = 0; i < function.getNumArguments(); i++) {
    HostTensor tensor(
        mlir::cast<RankedTensorType>(function.getArgumentTypes()[i]));
    for (double &x : tensor.reals)
      x = float(normal(generator));
    bool isTruth = tensor.type.getElementType().isInteger(1);
    for (uint64_t &n : tensor.counts)
      n = generator() % (isTruth ? 2 : 7);
    arguments.emplace(nameOf(function, i, false), std::move(tensor));
  }
  return arguments;
}

double distance(const HostTensor &x, const HostTensor &y, double floor) {
  if (!x.isReal()) {
    for (int64_t i = 0; i < x.size(); i++)
      if (x.counts[i] != y.counts[i])
        return INFINITY;
    return 0;
  }
  double norm = 0, worst = 0;
  for (double value : y.reals)
    norm += value * value / y.size();
  norm = std::max(std::sqrt(norm), floor);
  for (int64_t i = 0; i < x.size(); i++) {
    if (std::isnan(x.reals[i]) != std::isnan(y.reals[i]))
      return INFINITY;
    if (x.reals[i] == y.reals[i] || std::isnan(x.reals[i]))
      continue;
    worst = std::max(worst, std::abs(x.reals[i] - y.reals[i]) / norm);
  }
  return worst;
}

} // namespace phlox::test
