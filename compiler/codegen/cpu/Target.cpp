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
    return Target{"x86-64-v3", "", kV3, 8, 6, 2};
  if (name == "x86-64-v4")
    return Target{"x86-64-v4", "-prefer-256-bit", kV4, 16, 8, 3};
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

} // namespace phlox::cpu
