// Every registered op has rules and a sampler: asked of the registry, which no
// list can lag behind.
#include "test/compiler/ops/samples.h"
#include <gtest/gtest.h>
#include <set>

namespace phlox::test {
namespace {

// the per-dialect query of MLIR 22 returns nothing
std::vector<mlir::RegisteredOperationName> phloxOps() {
  std::vector<mlir::RegisteredOperationName> ops;
  for (mlir::RegisteredOperationName name : context().getRegisteredOperations())
    if (name.getDialectNamespace() == PhloxDialect::getDialectNamespace())
      ops.push_back(name);
  return ops;
}

TEST(CompletenessTest, TheRegistryIsNotEmpty) {
  EXPECT_GT(phloxOps().size(), 60u);
}

TEST(CompletenessTest, EveryOpHasRules) {
  for (mlir::RegisteredOperationName name : phloxOps())
    if (!name.hasTrait<mlir::OpTrait::IsTerminator>())
      EXPECT_TRUE(name.hasInterface<Rules>()) << name.getStringRef().str();
}

TEST(CompletenessTest, EveryOpHasASampler) {
  std::set<std::string> sampled;
  for (const Sample &sample : allSamples())
    sampled.insert(sample.op);
  for (mlir::RegisteredOperationName name : phloxOps())
    if (!name.hasTrait<mlir::OpTrait::IsTerminator>())
      EXPECT_TRUE(sampled.count(name.stripDialect().str()))
          << name.getStringRef().str();
}

} // namespace
} // namespace phlox::test
