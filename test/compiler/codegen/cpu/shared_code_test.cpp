// Kernels that differ in nothing but their addresses are one function.
#include "compiler/artifact/Link.h"
#include "dsl/program.h"
#include "test/support/disassembly.h"
#include <gtest/gtest.h>
#include <sstream>
#include <unistd.h>

namespace phlox {
namespace {

// functions with a kind's code, and kernels that call one
struct Counted {
  int codes = 0, kernels = 0;
  bool operator==(const Counted &) const = default;
};

Counted matmulsOf(const Program &program, const std::string &name) {
  auto compiled = compile(program.module(), {});
  if (!compiled)
    throw std::runtime_error(llvm::toString(compiled.takeError()));
  std::string path = testing::TempDir() + "phlox_shared_" + name + ".o";
  llvm::cantFail(artifact::writeObject(*compiled, path));
  std::istringstream symbols(test::outputOf(PHLOX_NM " " + path));
  unlink(path.c_str());
  Counted counted;
  for (std::string line; std::getline(symbols, line);) {
    counted.codes += line.ends_with("_matmul_code");
    counted.kernels += line.ends_with("_matmul");
  }
  return counted;
}

TEST(SharedCode, EqualLayersOfAllEntryPointsAreOne) {
  Program program("layers");
  auto first = program.leaf("first", {64, 64}),
       second = program.leaf("second", {64, 64});
  auto network = [&](Entry &e) {
    Tensor x = e.input("x", {32, 64});
    e.output("y", mish(matmul(mish(matmul(x, e.read(first))), e.read(second))));
  };
  program.entry("f", network);
  program.entry("g", network);
  // the last product writes to an output, which a caller may share: 1 + 1
  EXPECT_EQ(matmulsOf(program, "layers"), (Counted{2, 4}));
}

TEST(SharedCode, OtherSizesEpiloguesAndConstantsAreOthers) {
  Program program("others");
  program.entry("f", [&](Entry &e) {
    Tensor w = e.input("w", {64, 64});
    // products of one input would be computed once
    auto product = [&](const char *input, int64_t rows) {
      return matmul(e.input(input, {rows, 64}), w);
    };
    e.output("a", product("x1", 32));
    e.output("b", product("x2", 32));
    e.output("relu", relu(product("x3", 32)));
    e.output("half", product("x4", 32) * 0.5);
    e.output("third", product("x5", 32) * (1. / 3));
    e.output("rows", product("x6", 16));
  });
  EXPECT_EQ(matmulsOf(program, "others"), (Counted{5, 6}));
}

} // namespace
} // namespace phlox
