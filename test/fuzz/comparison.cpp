#include "test/fuzz/comparison.h"
#include "test/fuzz/raw_call.h"
#include "test/support/compiled_functions.h"
#include "tools/phlox/eager.h"
#include "llvm/Object/ELFObjectFile.h"
#include <cmath>
#include <cstring>
#include <fmt/core.h>
#include <random>

namespace phlox::fuzz {

namespace {

using test::Tensors;

// a bound above it says little
double meaningful(const std::string &precision) {
  return precision == "bf16" ? 0.5 : 0.01;
}

// how far products round their operands: bf16 has 8 bits, two of them 16
double factorsOf(const std::string &precision) {
  return precision == "bf16" ? 0x1p-8 : precision == "high" ? 0x1p-16 : 0;
}

std::string nameOf(mlir::func::FuncOp function, unsigned i, bool isResult) {
  auto get = [&](llvm::StringRef attr) {
    return isResult ? function.getResultAttrOfType<mlir::StringAttr>(i, attr)
                    : function.getArgAttrOfType<mlir::StringAttr>(i, attr);
  };
  if (auto leaf = get(kLeafAttr))
    return "leaf:" + leaf.str();
  auto name = get(isResult ? kOutputAttr : kInputAttr);
  if (!name)
    throw std::runtime_error(fmt::format(
        "{} {} of f must be named by phlox.leaf or phlox.{}: got neither",
        isResult ? "result" : "argument", i, isResult ? "output" : "input"));
  return name.str();
}

// "s": numbers at which functions bend, "i": some beyond the last index
HostTensor drawArgument(const std::string &name, RankedTensorType type) {
  HostTensor tensor(type);
  std::mt19937_64 random(std::hash<std::string>()(name) + 1);
  std::normal_distribution<double> normal;
  static const double special[] = {0, -0., 1, -1, 0.5, -2, 3, 1e-4, 20, -30};
  // noise made an input, "f/...": of the unit interval
  std::uniform_real_distribution<double> unit(1e-3, 1 - 1e-3);
  if (name.starts_with("f/"))
    for (double &x : tensor.reals)
      x = float(unit(random));
  else
    for (double &x : tensor.reals)
      x = float(name[0] == 's' && random() % 2 ? special[random() % 10]
                                               : normal(random));
  bool isTruth = type.getElementType().isInteger(1),
       isIndex = type.getElementType().isInteger(32);
  for (uint64_t &n : tensor.counts)
    n = isTruth                         ? random() % 2
        : isIndex && random() % 16 == 0 ? uint32_t(random())
                                        : random() % 9;
  return tensor;
}

bool sameBits(const HostTensor &x, const HostTensor &y) {
  return x.counts == y.counts && x.reals.size() == y.reals.size() &&
         std::memcmp(x.reals.data(), y.reals.data(),
                     x.reals.size() * sizeof(double)) == 0;
}

void compareCounts(const std::string &name, const HostTensor &actual,
                   const Tracked &expected, std::vector<std::string> &lines,
                   Tally &tally) {
  int64_t wrong = 0, first = 0;
  for (int64_t i = 0; i < actual.size(); i++) {
    tally.elements++;
    bool isCertain = true;
    for (const HostTensor &sample : expected.samples)
      isCertain &= sample.counts[i] == expected.exact.counts[i];
    if (!isCertain)
      continue;
    tally.meaningful++;
    tally.exact++;
    if (actual.counts[i] != expected.exact.counts[i] && wrong++ == 0)
      first = i;
  }
  if (wrong > 0)
    lines.push_back(fmt::format("{}: {} of {} differ, [{}] must be {}: got {}",
                                name, wrong, actual.size(), first,
                                expected.exact.counts[first],
                                actual.counts[first]));
}

void compareReals(const std::string &name, const HostTensor &actual,
                  const Tracked &expected, double bound,
                  std::vector<std::string> &lines, Tally &tally) {
  int64_t wrong = 0, worst = 0;
  double most = 0, square = 0;
  for (double x : expected.exact.reals)
    square += std::isfinite(x) ? x * x / double(actual.size()) : 0;
  double norm = std::sqrt(square);
  for (int64_t i = 0; i < actual.size(); i++) {
    tally.elements++;
    Range range = rangeOf(expected, i);
    if (!range.isKnown)
      continue;
    double got = actual.reals[i];
    double share = 0; // of what is allowed
    if (!range.isFinite()) {
      tally.meaningful++;
      share = std::isfinite(got) ? INFINITY : 0;
    } else {
      tally.meaningful +=
          range.radius <= bound * std::max(std::abs(range.value), norm);
      tally.exact += range.radius == 0;
      share = std::abs(got - range.value) / (range.radius + kTiny);
      if (std::isnan(share))
        share = INFINITY;
    }
    if (share <= 1)
      continue;
    wrong++;
    if (share > most) {
      most = share;
      worst = i;
    }
  }
  if (wrong > 0) {
    Range range = rangeOf(expected, worst);
    lines.push_back(fmt::format(
        "{}: {} of {} out of bounds, [{}] must be {:.9g} +- {:.2g}: got {:.9g}",
        name, wrong, actual.size(), worst, range.value, range.radius,
        actual.reals[worst]));
  }
}

void compareBits(const std::string &how, const Tensors &one,
                 const Tensors &more, std::vector<std::string> &lines) {
  for (auto &[name, tensor] : one)
    if (!sameBits(tensor, more.at(name)))
      lines.push_back(fmt::format(
          "{}: {} must give the bits of one thread: got others", name, how));
}

// an artifact calls nobody: neither a library of mathematics nor an allocator
void compareImports(const std::string &path, std::vector<std::string> &lines) {
  auto file = llvm::cantFail(llvm::object::ObjectFile::createObjectFile(path));
  auto *elf = llvm::cast<llvm::object::ELFObjectFileBase>(file.getBinary());
  for (auto symbol : elf->getDynamicSymbolIterators())
    if (llvm::cantFail(symbol.getFlags()) &
        llvm::object::SymbolRef::SF_Undefined)
      lines.push_back("artifact: must import nothing: got " +
                      llvm::cantFail(symbol.getName()).str());
}

struct Pool {
  explicit Pool(int threads) {
    if (auto *status = phlox_pool_create(threads, &pool)) {
      std::string text = phlox_status_message(status);
      phlox_status_free(status);
      throw std::runtime_error(text);
    }
  }
  ~Pool() { phlox_pool_free(pool); }
  phlox_pool *pool = nullptr;
};

void demand(phlox_status *status) {
  if (!status)
    return;
  std::string text = phlox_status_message(status);
  phlox_status_free(status);
  throw std::runtime_error(text);
}

Tensors runWith(test::CompiledProgram &compiled, const Tensors &arguments,
                int threads) {
  Pool pool(threads);
  phlox_entry *entry = nullptr;
  demand(phlox_entry_create(compiled.executable(), "f", pool.pool, &entry));
  struct Free {
    phlox_entry *entry;
    ~Free() { phlox_entry_free(entry); }
  } free{entry};
  return compiled.run("f", arguments, [&](auto *state, auto in, auto out) {
    demand(phlox_entry_run(entry, state, in.data(), in.size(), out.data(),
                           out.size()));
  });
}

} // namespace

std::string textOf(const Setting &setting) {
  std::string text = setting.target;
  if (setting.isEager)
    text += ", eager";
  if (setting.hasThreads)
    text += ", threads";
  for (const std::string &name : setting.without)
    text += ", no-" + name;
  if (setting.precision != "f32")
    text += ", " + setting.precision;
  return setting.rewritesAll ? text + ", rewrites all" : text;
}

Setting drawSetting(uint64_t seed, const std::vector<std::string> &targets,
                    const std::vector<std::string> &rewrites,
                    const std::vector<std::string> &precisions) {
  std::mt19937_64 random(seed ^ 0x5e771465);
  Setting setting;
  setting.target = targets[random() % targets.size()];
  setting.isEager = random() % 8 == 0;
  setting.hasThreads = random() % 4 == 0;
  // mostly all of them together, as users compile
  if (!setting.isEager && random() % 2)
    for (const std::string &name : rewrites)
      if (random() % 2)
        setting.without.push_back(name);
  // programs are too small for most rewrites to pay
  setting.rewritesAll = !setting.isEager && random() % 4 != 0;
  setting.precision =
      precisions[random() % 2 == 0 ? random() % precisions.size() : 0];
  return setting;
}

std::vector<std::string> targetsHere() {
  std::vector<std::string> targets;
  for (const char *target : {"x86-64-v3", "x86-64-v4"})
    if (test::runsTarget(target))
      targets.push_back(target);
  return targets;
}

void Tally::add(const Tally &other) {
  programs += other.programs;
  reduced += other.reduced;
  runs += other.runs;
  elements += other.elements;
  meaningful += other.meaningful;
  exact += other.exact;
}

std::string textOf(const Tally &tally) {
  return fmt::format("{} programs, {} with products of less than f32, {} runs, "
                     "{} elements compared, {:.1f} % with a bound that "
                     "means something, {:.1f} % to the bit",
                     tally.programs, tally.reduced, tally.runs, tally.elements,
                     100. * double(tally.meaningful) /
                         double(std::max<int64_t>(tally.elements, 1)),
                     100. * double(tally.exact) /
                         double(std::max<int64_t>(tally.elements, 1)));
}

Reference makeReference(mlir::ModuleOp program, const std::string &precision) {
  auto function = program.lookupSymbol<mlir::func::FuncOp>("f");
  if (!function)
    throw std::runtime_error("a program must have the entry point f");
  Reference reference;
  std::vector<HostTensor> arguments;
  for (unsigned i = 0; i < function.getNumArguments(); i++) {
    std::string name = nameOf(function, i, false);
    arguments.push_back(drawArgument(
        name, mlir::cast<RankedTensorType>(function.getArgumentTypes()[i])));
    reference.arguments.emplace(name, arguments.back());
  }
  std::vector<Tracked> results =
      track(function, std::move(arguments), 1, factorsOf(precision));
  for (unsigned i = 0; i < results.size(); i++)
    reference.results.emplace(nameOf(function, i, true), std::move(results[i]));
  return reference;
}

std::vector<std::string> differences(mlir::ModuleOp program,
                                     const Reference &reference,
                                     const Setting &setting, Tally &tally) {
  CompileOptions options;
  options.target = setting.target;
  options.without = setting.without;
  options.precision = setting.precision;
  // the first variant has to be one that runs here: runRaw() calls it
  if (setting.target == "x86-64-v3" || !test::runsTarget("amx"))
    options.amx = setting.precision == "bf16" &&
                          setting.target != "x86-64-v3" &&
                          test::runsTarget("avx512-bf16")
                      ? Amx::off
                      : Amx::emulated;
  options.leastGain = setting.rewritesAll ? 0 : 1;
  options.embedIr = setting.isEager;
  test::CompiledProgram compiled(program, options, setting.hasThreads ? 2 : 1);
  std::vector<std::string> lines;
  compareImports(compiled.path(), lines);
  auto compare = [&](const Tensors &actual) {
    for (auto &[name, expected] : reference.results) {
      auto found = actual.find(name);
      if (found == actual.end())
        lines.push_back(name + ": missing");
      else if (expected.exact.isReal())
        compareReals(name, found->second, expected,
                     meaningful(setting.precision), lines, tally);
      else
        compareCounts(name, found->second, expected, lines, tally);
    }
  };
  if (setting.isEager) {
    tools::EagerRunner runner(compiled.table(), "f", compiled.threads());
    tally.runs++;
    compare(compiled.run("f", reference.arguments,
                         [&](phlox_state *leaves, auto in, auto out) {
                           runner.run(leaves, in, out);
                         }));
    return lines;
  }
  Tensors one = runWith(compiled, reference.arguments, 1);
  compare(one);
  if (setting.hasThreads)
    for (int threads : {2, 3}) {
      compareBits(std::to_string(threads) + " threads", one,
                  runWith(compiled, reference.arguments, threads), lines);
      tally.runs++;
    }
  compareBits("tasks run backward", one,
              runRaw(compiled, reference.arguments, lines), lines);
  tally.runs += 2;
  return lines;
}

} // namespace phlox::fuzz
