#include "compiler/codegen/cpu/Target.h"
#include "phlox/runtime.h"

namespace phlox::cpu {

namespace {
constexpr uint64_t kV3 = PHLOX_ISA_AVX2;
constexpr uint64_t kV4 = kV3 | PHLOX_ISA_AVX512F | PHLOX_ISA_AVX512BW |
                         PHLOX_ISA_AVX512CD | PHLOX_ISA_AVX512DQ |
                         PHLOX_ISA_AVX512VL;
constexpr uint64_t kPairs = kV4 | PHLOX_ISA_AVX512BF16;
constexpr uint64_t kTiles = kPairs | PHLOX_ISA_AMX_TILE | PHLOX_ISA_AMX_BF16;

// feature bits, never the processor's name: virtual machines rename it
bool thisMachineHas(uint64_t isa) { return !(isa & ~phlox_isa_available()); }
} // namespace

llvm::Expected<Target> lookupTarget(llvm::StringRef name) {
  if (name == "native") {
    if (!thisMachineHas(kV3))
      return llvm::createStringError(
          "target 'native': this machine must have AVX2 and FMA");
    name = thisMachineHas(kV4) ? "x86-64-v4" : "x86-64-v3";
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
Target tileVariant(Target tiles, int64_t parts) {
  tiles.name = parts == 2 ? kTwoTileTarget : kTileTarget;
  tiles.features += ",+avx512bf16,+amx-tile,+amx-bf16";
  tiles.isa = kTiles;
  tiles.amx = Amx::on;
  tiles.bf16Parts = parts;
  return tiles;
}

Target pairVariant(Target pairs) {
  pairs.name = kPairTarget;
  pairs.features += ",+avx512bf16";
  pairs.isa = kPairs;
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
  if (!high && !bf16)
    return targets;
  int64_t parts = high ? 2 : 1;
  if (options.amx == Amx::emulated) {
    for (Target &target : targets) {
      target.amx = Amx::emulated;
      target.bf16Parts = parts;
    }
    return targets;
  }
  Target v4 = targets.front();
  bool tiles = v4.name == "x86-64-v4" && options.amx == Amx::on;
  if (options.target == "native") { // one variant, the best that runs here
    if (tiles && thisMachineHas(kTiles))
      return std::vector<Target>{tileVariant(v4, parts)};
    if (high)
      return targets;
    if (!thisMachineHas(kPairs))
      return llvm::createStringError(
          "precision bf16: this machine must have AVX512-BF16, or the target "
          "be named: got 'native' on one that lacks it");
    return std::vector<Target>{pairVariant(v4)};
  }
  if (bf16 && (v4.name != "x86-64-v4" || targets.size() > 1))
    return llvm::createStringError(
        "precision bf16 must have the target x86-64-v4, whose variants compute "
        "with bf16, and no other: got '" +
        options.target + "'");
  // other variants compute f32, which is high but not what bf16 asks for
  std::vector<Target> found;
  if (tiles)
    found.push_back(tileVariant(v4, parts));
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
    options.amx = Amx::off;
  } else if (variant == kTileTarget || variant == kTwoTileTarget) {
    options.target = "native";
    options.precision = variant == kTileTarget ? "bf16" : "high";
  }
  return options;
}

} // namespace phlox::cpu
