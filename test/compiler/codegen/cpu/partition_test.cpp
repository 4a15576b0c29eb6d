// Programs whose functions compile side by side.
#include "compiler/artifact/Link.h"
#include "dsl/program.h"
#include "test/support/disassembly.h"
#include <gtest/gtest.h>
#include <sched.h>
#include <set>
#include <sstream>
#include <unistd.h>

namespace phlox {
namespace {

// layers of so many sizes that their code makes several parts
Program layers(double scale) {
  Program program("layers");
  program.entry("f", [&](Entry &e) {
    Tensor y = e.input("x", {16, 8});
    for (int64_t i = 0; i < 12; i++) {
      Tensor w = e.input("w" + std::to_string(i), {8 + 4 * i, 12 + 4 * i});
      y = mish(matmul(y, w) * scale);
    }
    e.output("y", y);
  });
  return program;
}

CompiledObject compiled(const Program &program) {
  auto result = compile(program.module(), {});
  if (!result)
    throw std::runtime_error(llvm::toString(result.takeError()));
  return std::move(*result);
}

TEST(Partition, PartsDoNotDependOnHowManyThreadsCompileThem) {
  Program program = layers(0.5);
  CompiledObject several = compiled(program);
  EXPECT_GE(several.objects.size(), 3u);
  cpu_set_t before, one;
  ASSERT_EQ(sched_getaffinity(0, sizeof before, &before), 0);
  CPU_ZERO(&one);
  for (int i = 0; i < CPU_SETSIZE; i++)
    if (CPU_ISSET(i, &before)) {
      CPU_SET(i, &one);
      break;
    }
  ASSERT_EQ(sched_setaffinity(0, sizeof one, &one), 0);
  CompiledObject alone = compiled(program);
  sched_setaffinity(0, sizeof before, &before);
  ASSERT_EQ(alone.objects.size(), several.objects.size());
  for (size_t i = 0; i < alone.objects.size(); i++)
    EXPECT_TRUE(alone.objects[i]->getBuffer() ==
                several.objects[i]->getBuffer())
        << i;
}

// global names that an object defines
std::set<std::string> namesOf(double scale) {
  std::string path = testing::TempDir() + "phlox_parts.o";
  llvm::cantFail(artifact::writeObject(compiled(layers(scale)), path));
  std::istringstream symbols(
      test::outputOf(PHLOX_NM " -g --defined-only " + path));
  unlink(path.c_str());
  std::set<std::string> names;
  for (std::string address, kind, name; symbols >> address >> kind >> name;)
    names.insert(name);
  return names;
}

TEST(Partition, ProgramsOfOneNameShareNoSymbolsButTheQuery) {
  std::set<std::string> first = namesOf(0.5), second = namesOf(0.25), both;
  EXPECT_GE(first.size(), 12u);
  for (const std::string &name : first)
    if (second.contains(name))
      both.insert(name);
  EXPECT_EQ(both, std::set<std::string>{"phlox_layers_query"});
}

} // namespace
} // namespace phlox
