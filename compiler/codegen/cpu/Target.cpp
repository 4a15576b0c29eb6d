#include "compiler/codegen/cpu/Target.h"
#include "llvm/ADT/StringMap.h"
#include "llvm/TargetParser/Host.h"

namespace phlox::cpu {

namespace {
constexpr uint64_t kV3 = PHLOX_ISA_AVX2;
constexpr uint64_t kV4 = kV3 | PHLOX_ISA_AVX512F | PHLOX_ISA_AVX512BW |
                         PHLOX_ISA_AVX512CD | PHLOX_ISA_AVX512DQ |
                         PHLOX_ISA_AVX512VL;
} // namespace

llvm::Expected<Target> lookupTarget(llvm::StringRef name) {
  if (name == "native") {
    // feature bits, never the processor's name: virtual machines rename it
    auto host = llvm::sys::getHostCPUFeatures();
    auto has = [&](llvm::ArrayRef<llvm::StringRef> features) {
      return llvm::all_of(features, [&](auto f) { return host.lookup(f); });
    };
    if (!has({"avx2", "fma", "f16c", "bmi", "bmi2"}))
      return llvm::createStringError(
          "target 'native': this machine must have AVX2 and FMA");
    name = has({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})
               ? "x86-64-v4"
               : "x86-64-v3";
  }
  if (name == "x86-64-v3")
    return Target{"x86-64-v3", "x86-64-v3", "", kV3, 8, 6, 2};
  if (name == "x86-64-v4")
    return Target{"x86-64-v4", "x86-64-v4", "-prefer-256-bit", kV4, 16, 8, 3};
  return llvm::createStringError(
      "target must be native, x86-64-v3 or x86-64-v4: got '" + name + "'");
}

llvm::Expected<std::vector<Target>> lookupTargets(llvm::StringRef names) {
  std::vector<Target> found;
  llvm::SmallVector<llvm::StringRef> each;
  names.split(each, ',');
  for (llvm::StringRef name : each) {
    auto target = lookupTarget(name.trim());
    if (!target)
      return target.takeError();
    for (const Target &other : found)
      if (other.name == target->name)
        return llvm::createStringError("targets must differ: got '" + names +
                                       "', where " + target->name +
                                       " is there twice");
    found.push_back(std::move(*target));
  }
  llvm::sort(found, [](const Target &x, const Target &y) {
    return std::pair(-x.lanes, x.name) < std::pair(-y.lanes, y.name);
  });
  return found;
}

llvm::Expected<std::vector<Target>> withAmx(std::vector<Target> targets,
                                            const CompileOptions &options) {
  const std::string &precision = options.precision;
  bool reduced = precision == "high" || precision == "bf16";
  if (precision != "f32" &&
      (!reduced || (precision == "bf16" && options.amx == Amx::off)))
    return llvm::createStringError(
        "precision must be f32 or high on a machine without AMX: got '" +
        precision + "'");
  if (options.amx == Amx::off || !reduced)
    return targets;
  int64_t parts = precision == "high" ? 2 : 1;
  if (options.amx == Amx::emulated) {
    for (Target &target : targets) {
      target.amx = Amx::emulated;
      target.bf16Parts = parts;
    }
    return targets;
  }
  if (targets.front().name != "x86-64-v4")
    return llvm::createStringError(
        "a variant for AMX needs the target x86-64-v4 too: got '" +
        options.target + "'");
  Target amx = targets.front();
  amx.name = "amx";
  amx.features += ",+avx512bf16,+amx-tile,+amx-bf16";
  amx.isa |= PHLOX_ISA_AMX_TILE | PHLOX_ISA_AMX_BF16;
  amx.amx = Amx::on;
  amx.bf16Parts = parts;
  // other variants compute f32, which is high but not what bf16 asks for
  if (precision == "bf16")
    targets.clear();
  targets.insert(targets.begin(), std::move(amx));
  return targets;
}

} // namespace phlox::cpu
