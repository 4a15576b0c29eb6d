// The compiler's side of compiler_library.h; linked into libphlox_compiler.
#include "compiler/artifact/Link.h"
#include "compiler/artifact/Table.h"
#include "compiler/codegen/cpu/Target.h"
#include "compiler/eager/Eager.h"
#include "compiler/interpreter/Interpreter.h"
#include "mlir/Parser/Parser.h"
#include "rl/algorithms/registry.h"
#include "rl/algorithms/settings.h"
#include "tools/compiler_library/compiler_library.h"
#include "tools/compiler_library/plugin.h"
#include "tools/compiler_library/policy.h"
#include "llvm/Support/SourceMgr.h"
#include <cstring>
#include <fmt/core.h>
#include <fmt/ranges.h>

namespace phlox::tools {
namespace {

template <class T> T value_of(llvm::Expected<T> result) {
  if (!result)
    throw std::runtime_error(llvm::toString(result.takeError()));
  return std::move(*result);
}
void check(llvm::Error error) {
  if (error)
    throw std::runtime_error(llvm::toString(std::move(error)));
}

const rl::Algorithm &find(const std::string &name) {
  if (const auto *algorithm = rl::find_algorithm(name))
    return *algorithm;
  std::vector<std::string> known;
  for (const auto &algorithm : rl::algorithms())
    known.push_back(algorithm.name);
  throw std::invalid_argument(fmt::format(
      "algorithm must be one of {}: got '{}'", fmt::join(known, ", "), name));
}

Program trace(const CompileRequest &request) {
  const auto &algorithm = find(request.algorithm);
  try {
    return algorithm.build({request.obs_size, request.action_size, request.env},
                           request.config, request.acting);
  } catch (const rl::SettingsError &error) {
    throw std::invalid_argument(error.what());
  }
}

// what a user may have mistyped is told apart from what fails
void check_names(const std::string &target, const std::string &precision) {
  CompileOptions options;
  options.target = target;
  options.precision = precision;
  auto found = cpu::lookupTargets(target);
  if (found)
    found = cpu::withPrecision(std::move(*found), options);
  if (!found)
    throw std::invalid_argument(llvm::toString(found.takeError()));
}

CompileOptions options_of(const CompileRequest &request) {
  check_names(request.target, request.precision);
  for (const std::string &name : request.without)
    if (const auto known = rewriteNames(); !llvm::is_contained(known, name))
      throw std::invalid_argument(fmt::format(
          "rewrite must be one of {}: got '{}'", fmt::join(known, ", "), name));
  CompileOptions options;
  options.target = request.target;
  options.precision = request.precision;
  options.explicitNoise = request.explicit_noise;
  options.embedIr = request.embed_ir;
  options.records = request.records;
  options.dumpDirectory = request.dump_ir;
  options.without = request.without;
  const nlohmann::ordered_json description = {
      {"algorithm", request.algorithm},
      {"env", request.env},
      {"obs_size", request.obs_size},
      {"action_size", request.action_size},
      {"acting", request.acting},
      {"precision", request.precision},
      {"explicit_noise", request.explicit_noise},
      {"config", request.config},
      {"as_published", find(request.algorithm).as_published}};
  options.description = description.dump();
  return options;
}

/// A program read back from an artifact.
struct Read {
  explicit Read(std::span<const std::uint8_t> ir) {
    if (ir.empty())
      throw std::runtime_error(
          "the artifact must carry its program for this mode: it was stripped");
    mlir::DialectRegistry registry;
    registerPhloxDialects(registry);
    context.appendDialectRegistry(registry);
    context.loadAllAvailableDialects();
    llvm::StringRef bytes(reinterpret_cast<const char *>(ir.data()), ir.size());
    auto buffer = llvm::MemoryBuffer::getMemBuffer(bytes, "program", false);
    llvm::SourceMgr sources;
    sources.AddNewSourceBuffer(std::move(buffer), llvm::SMLoc());
    module = mlir::parseSourceFile<mlir::ModuleOp>(sources, &context);
    if (!module)
      throw std::runtime_error("the artifact's program cannot be read");
  }
  mlir::MLIRContext context;
  mlir::OwningOpRef<mlir::ModuleOp> module;
};

template <class T>
void unpack(const runtime::StoredTensor &from, HostTensor &to) {
  for (std::size_t i = 0; i < from.data.size() / sizeof(T); i++) {
    T value;
    std::memcpy(&value, from.data.data() + i * sizeof(T), sizeof(T));
    if (to.isReal())
      to.reals[i] = static_cast<double>(value);
    else
      to.counts[i] = static_cast<std::uint64_t>(value);
  }
}

HostTensor to_host(const runtime::StoredTensor &tensor, RankedTensorType type) {
  const auto row = artifact::makeRow(tensor.name, type);
  if (tensor.dtype != row.dtype || tensor.shape != row.dims)
    throw std::invalid_argument(
        fmt::format("'{}' must have the type of the artifact's table: got {}",
                    tensor.name, fmt::join(tensor.shape, "x")));
  HostTensor host(type);
  switch (row.dtype) {
  case PHLOX_F32:
    unpack<float>(tensor, host);
    break;
  case PHLOX_U64:
    unpack<std::uint64_t>(tensor, host);
    break;
  case PHLOX_I32:
    unpack<std::uint32_t>(tensor, host);
    break;
  default:
    unpack<std::uint8_t>(tensor, host);
  }
  return host;
}

template <class T>
void pack(const HostTensor &from, std::vector<std::byte> &to) {
  to.resize(from.size() * sizeof(T));
  for (std::int64_t i = 0; i < from.size(); i++) {
    const T value = from.isReal() ? T(from.reals[i]) : T(from.counts[i]);
    std::memcpy(to.data() + i * sizeof(T), &value, sizeof(T));
  }
}

runtime::StoredTensor from_host(const std::string &name,
                                const HostTensor &tensor) {
  const auto row = artifact::makeRow(name, tensor.type);
  runtime::StoredTensor stored{name, row.dtype, row.dims, {}};
  switch (row.dtype) {
  case PHLOX_F32:
    pack<float>(tensor, stored.data);
    break;
  case PHLOX_U64:
    pack<std::uint64_t>(tensor, stored.data);
    break;
  case PHLOX_I32:
    pack<std::uint32_t>(tensor, stored.data);
    break;
  default:
    pack<std::uint8_t>(tensor, stored.data);
  }
  return stored;
}

std::string name_of(mlir::func::FuncOp function, unsigned i, bool result) {
  auto get = [&](llvm::StringRef attr) {
    return result ? function.getResultAttrOfType<mlir::StringAttr>(i, attr)
                  : function.getArgAttrOfType<mlir::StringAttr>(i, attr);
  };
  auto leaf = get(kLeafAttr);
  return (leaf ? leaf : get(result ? kOutputAttr : kInputAttr)).str();
}

std::vector<EagerStep> convert(const std::vector<phlox::EagerStep> &steps) {
  std::vector<EagerStep> made;
  for (const auto &step : steps) {
    EagerStep copy;
    copy.entry = step.entry;
    copy.operands = step.operands;
    copy.results = step.results;
    copy.length = step.length;
    copy.reverse = step.reverse;
    for (const auto &carry : step.carries)
      copy.carries.push_back(
          {carry.init, carry.inside, carry.yielded, carry.result});
    for (const auto &x : step.xs)
      copy.xs.push_back({x.stack, x.inside});
    for (const auto &y : step.ys)
      copy.ys.push_back({y.stack, y.inside});
    copy.body = convert(step.body);
    made.push_back(std::move(copy));
  }
  return made;
}

class Exported final : public CompilerLibrary {
public:
  nlohmann::ordered_json algorithms() const override {
    auto list = nlohmann::ordered_json::array();
    for (const auto &algorithm : rl::algorithms())
      list.push_back(
          {{"name", algorithm.name},
           {"summary", algorithm.summary},
           {"keys", algorithm.schema},
           {"as_published", algorithm.as_published},
           {"experience", algorithm.experience == rl::Experience::rollouts
                              ? "rollouts"
                              : "replay"},
           {"plugin", algorithm.plugin}});
    return list;
  }

  void load_plugin(const std::string &path) const override {
    tools::load_plugin(path);
  }

  std::string hash(const CompileRequest &request) const override {
    const Program program = trace(request);
    return contentHash(program.module(), options_of(request));
  }

  std::vector<std::pair<std::string, double>>
  compile(const CompileRequest &request, const std::string &path,
          bool object) const override {
    PhaseTimes trace_time;
    const Program program = trace(request);
    trace_time.lap("trace the program");
    auto compiled =
        value_of(phlox::compile(program.module(), options_of(request)));
    check(object ? artifact::writeObject(compiled, path)
                 : artifact::writeShared(compiled, path));
    compiled.times.lap("link and write");
    auto seconds = trace_time.seconds();
    const auto &rest = compiled.times.seconds();
    seconds.insert(seconds.end(), rest.begin(), rest.end());
    return seconds;
  }

  std::vector<runtime::StoredTensor>
  interpret(std::span<const std::uint8_t> ir, const std::string &entry,
            std::span<const runtime::StoredTensor> arguments) const override {
    Read program(ir);
    auto function = program.module->lookupSymbol<mlir::func::FuncOp>(entry);
    if (!function)
      throw std::invalid_argument(
          fmt::format("entry point '{}' is not in the program", entry));
    std::vector<HostTensor> values;
    for (unsigned i = 0; i < function.getNumArguments(); i++) {
      const std::string name = name_of(function, i, false);
      const auto found =
          std::find_if(arguments.begin(), arguments.end(),
                       [&](const auto &tensor) { return tensor.name == name; });
      if (found == arguments.end())
        throw std::invalid_argument(
            fmt::format("entry point '{}' needs '{}': got none", entry, name));
      values.push_back(to_host(*found, mlir::cast<RankedTensorType>(
                                           function.getArgumentTypes()[i])));
    }
    auto results = value_of(phlox::interpret(function, std::move(values)));
    std::vector<runtime::StoredTensor> stored;
    for (unsigned i = 0; i < function.getNumResults(); i++)
      stored.push_back(from_host(name_of(function, i, true), results[i]));
    return stored;
  }

  EagerProgram eager(std::span<const std::uint8_t> ir, const std::string &entry,
                     const std::string &variant,
                     const std::string &kernels) const override {
    Read program(ir);
    mlir::OpBuilder builder(&program.context);
    mlir::OwningOpRef<mlir::ModuleOp> module(
        mlir::ModuleOp::create(builder.getUnknownLoc()));
    (*module)->setAttr(kProgramAttr, builder.getStringAttr("eager"));
    (*module)->setAttr(kLeavesAttr, builder.getArrayAttr({}));
    auto made = value_of(makeEager(*program.module, entry, *module));
    EagerProgram result;
    result.dispatches = !module->getBody()->empty();
    if (result.dispatches) {
      CompileOptions options = cpu::optionsOf(variant);
      options.embedIr = false;
      auto compiled = value_of(phlox::compile(*module, options));
      check(artifact::writeShared(compiled, kernels));
    }
    for (const auto &slot : made.slots) {
      const auto row = artifact::makeRow("", slot.type);
      result.tensors.push_back({row.dtype, row.dims, slot.bytes});
    }
    for (const auto &argument : made.arguments)
      result.arguments.push_back(
          {argument.name, argument.isLeaf, argument.slot});
    for (const auto &named : made.results)
      result.results.push_back({named.name, named.isLeaf, named.slot});
    result.steps = convert(made.steps);
    return result;
  }

  void policy(std::span<const std::uint8_t> ir, const PolicyRequest &request,
              const std::string &stem) const override {
    check_names(request.target, "f32");
    const Program policy = cut_policy(ir, request);
    CompileOptions options;
    options.target = request.target;
    options.description = request.description;
    auto compiled = value_of(phlox::compile(policy.module(), options));
    check(artifact::writeShared(compiled, stem + ".so"));
    check(artifact::writeObject(compiled, stem + ".o"));
  }

  void matmul(std::int64_t n, const std::string &precision,
              const std::string &path) const override {
    Program program("matmul");
    program.entry("matmul", [&](Entry &entry) {
      const Tensor lhs = entry.input("lhs", {n, n});
      entry.output("result", phlox::matmul(lhs, entry.input("rhs", {n, n})));
    });
    CompileOptions options;
    options.precision = precision;
    check(artifact::writeShared(
        value_of(phlox::compile(program.module(), options)), path));
  }
};

} // namespace
} // namespace phlox::tools

extern "C" __attribute__((visibility("default"))) const void *
phlox_compiler_library() {
  static const phlox::tools::Exported exported;
  return static_cast<const phlox::tools::CompilerLibrary *>(&exported);
}
