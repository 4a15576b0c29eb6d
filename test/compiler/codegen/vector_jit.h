// Compiles element-wise bodies with VectorBuilder and runs them here.
#pragma once
#include "compiler/codegen/VectorBuilder.h"
#include <functional>
#include <gtest/gtest.h>
#include <map>
#include <memory>
#include <string>
#include <vector>

namespace phlox::test {

/// An element-wise function. Elements: 'f' (f32), 'i' (i32), 'u' (i64), 'b'
/// (i1, four bytes in memory).
struct VectorBody {
  std::string name, operands;
  char result;
  std::function<mlir::Value(VectorBuilder &, llvm::ArrayRef<mlir::Value>)> emit;
};

/// All bodies compiled for one target, in one object.
class VectorJit {
public:
  static constexpr int64_t kBlock = 1024; ///< elements per call
  using Function = void (*)(const void *const *operands, void *result);

  /// `cpu` is x86-64-v3 or x86-64-v4. Throws std::runtime_error.
  VectorJit(llvm::StringRef cpu, int64_t lanes,
            const std::vector<VectorBody> &bodies);
  ~VectorJit();

  /// True if this machine can run code for `cpu`.
  static bool runs(llvm::StringRef cpu);

  std::vector<std::string> undefinedSymbols; ///< of the object file

  /// Runs one body over kBlock elements, with denormals flushed.
  void call(const std::string &name, const std::vector<const void *> &operands,
            void *result) const;
  /// The same over any number of elements: operands are padded with their last.
  template <class To, class From>
  std::vector<To> run(const std::string &name,
                      const std::vector<std::vector<From>> &operands) const {
    size_t count = operands[0].size();
    size_t blocks = (count + kBlock - 1) / kBlock;
    std::vector<std::vector<From>> padded = operands;
    for (auto &operand : padded)
      operand.resize(blocks * kBlock, operand.back());
    std::vector<To> result(blocks * kBlock);
    for (size_t i = 0; i < result.size(); i += kBlock) {
      std::vector<const void *> addresses;
      for (auto &operand : padded)
        addresses.push_back(operand.data() + i);
      call(name, addresses, result.data() + i);
    }
    result.resize(count);
    return result;
  }

private:
  struct Engine;
  std::unique_ptr<Engine> engine;
};

/// What the tests are repeated for.
struct Target {
  const char *cpu;
  int64_t lanes;
};
inline void PrintTo(const Target &target, std::ostream *out) {
  *out << target.cpu << ", " << target.lanes << " lanes";
}
inline auto allTargets() {
  return testing::Values(Target{"x86-64-v3", 4}, Target{"x86-64-v3", 8},
                         Target{"x86-64-v4", 16});
}
inline std::string targetName(const testing::TestParamInfo<Target> &info) {
  return std::string(info.param.cpu + 7) + "_" +
         std::to_string(info.param.lanes);
}

/// Compiles the suite's bodies for the test's target.
class VectorTest : public testing::TestWithParam<Target> {
protected:
  explicit VectorTest(const std::vector<VectorBody> &bodies)
      : jit(GetParam().cpu, GetParam().lanes, bodies) {}
  void SetUp() override {
    if (!VectorJit::runs(GetParam().cpu))
      GTEST_SKIP() << "this machine lacks " << GetParam().cpu;
  }
  VectorJit jit;
};

} // namespace phlox::test
