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

namespace {
Target amxVariant(Target amx, int64_t parts) {
  amx.name = "amx";
  amx.features += ",+avx512bf16,+amx-tile,+amx-bf16";
  amx.isa |= PHLOX_ISA_AVX512BF16 | PHLOX_ISA_AMX_TILE | PHLOX_ISA_AMX_BF16;
  amx.amx = Amx::on;
  amx.bf16Parts = parts;
  return amx;
}

Target pairVariant(Target pairs) {
  pairs.name = kPairTarget;
  pairs.features += ",+avx512bf16";
  pairs.isa |= PHLOX_ISA_AVX512BF16;
  pairs.bf16Parts = 1;
  return pairs;
}
} // namespace

llvm::Expected<std::vector<Target>>
withPrecision(std::vector<Target> targets, const CompileOptions &options) {
  bool high = options.precision == "high", bf16 = options.precision == "bf16";
  if (options.precision != "f32" && !high && !bf16)
    return llvm::createStringError(
        "precision must be f32, high or bf16: got '" + options.precision + "'");
  if (!bf16 && (!high || options.amx == Amx::off))
    return targets;
  int64_t parts = high ? 2 : 1;
  if (options.amx == Amx::emulated) {
    for (Target &target : targets) {
      target.amx = Amx::emulated;
      target.bf16Parts = parts;
    }
    return targets;
  }
  if (bf16 && options.target == "native" &&
      !llvm::sys::getHostCPUFeatures().lookup("avx512bf16"))
    return llvm::createStringError(
        "precision bf16: this machine must have AVX512-BF16, or the target be "
        "named: got 'native' on one that lacks it");
  Target v4 = targets.front();
  if (v4.name != "x86-64-v4" || (bf16 && targets.size() > 1))
    return llvm::createStringError(
        "precision " + options.precision +
        " must have the target x86-64-v4, whose variants compute with bf16" +
        (bf16 ? ", and no other" : "") + ": got '" + options.target + "'");
  // other variants compute f32, which is high but not what bf16 asks for
  std::vector<Target> found;
  if (options.amx == Amx::on)
    found.push_back(amxVariant(v4, parts));
  if (bf16)
    found.push_back(pairVariant(v4));
  else
    found.insert(found.end(), targets.begin(), targets.end());
  return found;
}

CompileOptions optionsOf(llvm::StringRef variant) {
  CompileOptions options;
  options.target = variant.str();
  if (variant == kPairTarget) {
    options.target = "x86-64-v4";
    options.precision = "bf16";
  }
  return options;
}

} // namespace phlox::cpu
