// What is in an object: no library call, hot loops of fused multiply-adds
// without a spill.
#include "compiler/artifact/Link.h"
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include <cstdio>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <map>
#include <regex>
#include <sstream>
#include <unistd.h>

namespace phlox {
namespace {

std::string output(const std::string &command) {
  FILE *pipe = popen((command + " 2>&1").c_str(), "r");
  std::string text;
  char part[4096];
  while (size_t count = fread(part, 1, sizeof part, pipe))
    text.append(part, count);
  EXPECT_EQ(pclose(pipe), 0) << command << "\n" << text;
  return text;
}

// every op that may tempt a compiler to call a library
void everything(Program &program) {
  auto w = program.leaf("w", {70, 33});
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {40, 70}), weight = e.read(w);
    Key key(e.count(1), e.count(2), "f");
    Tensor y = matmul(x, weight) + key.normal("noise", {40, 33});
    e.output("exp", exp(y) + expm1(y) + log(abs(y)) + log1p(abs(y)));
    e.output("tanh", tanh(y) + sigmoid(y) + softplus(y) + mish(y));
    e.output("erf", gelu(y) + erf(y) + sin(y) + cos(y) + floor(y));
    e.output("pow", pow(abs(y), 0.3) + logaddexp(y, 2));
    Tensor t = key.truncnormal("t", y - 1, y + 1);
    e.output("pad", pad(t, {1, 1}, {2, 2}));
    e.output("zeros", fill(t, {300, 70}, 0));
    e.output("copy", x);
    e.output("inverse", inverse(slice(y, {0, 0}, {4, 4})));
    e.output("logdet", logdet(slice(y, {0, 0}, {4, 4})));
    e.output("one hot", one_hot(argmax(y, 1), 33));
    e.output("cumsum", cumsum(softmax(y, 1), 0, false));
    e.output("count", countrem(e.input("n", {}, Element::count), 7));
    e.write(w, weight * 0.9);
  });
}

TEST(Object, NeedsNoLibrary) {
  for (const char *target : {"x86-64-v3", "x86-64-v4"}) {
    Program program("everything");
    everything(program);
    CompileOptions options;
    options.target = target;
    auto compiled = compile(program.module(), options);
    ASSERT_TRUE(bool(compiled));
    std::string path = testing::TempDir() + "phlox_object_test.so";
    llvm::cantFail(artifact::writeShared(*compiled, path));
    EXPECT_EQ(output(PHLOX_NM " -D --undefined-only " + path), "") << target;
    EXPECT_THAT(output(PHLOX_NM " -D --defined-only " + path),
                testing::HasSubstr("phlox_executable_query"));
    EXPECT_THAT(output(PHLOX_OBJDUMP " -p " + path),
                testing::Not(testing::HasSubstr("NEEDED")));
    unlink(path.c_str());
  }
}

struct Line {
  uint64_t address = 0;
  std::string text;
};
using Loop = std::vector<Line>;

// innermost loops of every function whose name ends in `suffix`
std::vector<Loop> innermostLoops(const std::string &disassembly,
                                 const std::string &suffix) {
  std::vector<Loop> loops;
  std::istringstream in(disassembly);
  std::string text;
  std::vector<Line> function;
  bool isMine = false;
  const std::regex head("^[0-9a-f]+ <(.*)>:$"),
      jump("^j[a-z]+\\s+0x([0-9a-f]+).*"), row("^\\s*([0-9a-f]+):\\s+(.*)$");
  while (std::getline(in, text)) {
    std::smatch match;
    if (std::regex_match(text, match, head)) {
      isMine = match[1].str().ends_with(suffix);
      function.clear();
    } else if (isMine && std::regex_match(text, match, row)) {
      function.push_back({std::stoull(match[1], nullptr, 16), match[2]});
      const std::string &op = function.back().text;
      std::smatch target;
      if (!std::regex_match(op, target, jump))
        continue;
      uint64_t to = std::stoull(target[1], nullptr, 16);
      if (to > function.back().address)
        continue;
      Loop loop;
      for (const Line &line : function)
        if (line.address >= to)
          loop.push_back(line);
      // one that holds a loop found before is not innermost
      bool isInner = true;
      for (const Loop &inner : loops)
        isInner &= inner.front().address < to ||
                   inner.front().address > function.back().address;
      if (isInner)
        loops.push_back(loop);
    }
  }
  return loops;
}

class HotLoops : public testing::TestWithParam<const char *> {};

TEST_P(HotLoops, KeepTheirSumsInRegisters) {
  const std::string target = GetParam();
  Program program("matmul");
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {256, 256}), w = e.input("w", {256, 256}),
           b = e.input("b", {256}), odd = e.input("odd", {250, 240});
    e.output("y", gelu(matmul(x, w) + b));
    e.output("dw", matmul(transpose(odd, {1, 0}), odd));
    for (int64_t rows : {1, 2, 3, 4, 5, 7})
      e.output("few" + std::to_string(rows),
               matmul(slice(x, {0, 0}, {rows, 256}), w));
  });
  CompileOptions options;
  options.target = target;
  auto compiled = compile(program.module(), options);
  ASSERT_TRUE(bool(compiled));
  std::string path = testing::TempDir() + "phlox_hot_" + target + ".o";
  llvm::cantFail(artifact::writeObject(*compiled, path));
  std::string text = output(PHLOX_OBJDUMP " -d --no-show-raw-insn " + path);
  unlink(path.c_str());
  const bool isWide = target == "x86-64-v4";
  const std::string reg = isWide ? "%zmm" : "%ymm";
  int hot = 0;
  size_t most = 0;
  for (const Loop &loop : innermostLoops(text, "_matmul")) {
    size_t fused = 0;
    std::string body;
    for (const Line &line : loop) {
      body += line.text + "\n";
      fused += line.text.starts_with("vfmadd") &&
               line.text.find(reg) != std::string::npos;
    }
    if (fused < 4) // not a tile
      continue;
    hot++;
    most = std::max(most, fused);
    EXPECT_THAT(body, testing::Not(testing::HasSubstr("%rsp"))) << body;
    EXPECT_THAT(body, testing::Not(testing::HasSubstr("call"))) << body;
    // a product, once loaded, is added at once: none is rounded in between
    EXPECT_THAT(body, testing::Not(testing::HasSubstr("vmulps"))) << body;
    EXPECT_THAT(body, testing::HasSubstr("vfmadd231ps")) << body;
  }
  EXPECT_GE(hot, 8) << text.substr(0, 2000);
  // accumulators of a full tile: 8 rows by 3 or 2 vectors, 6 rows by 2
  EXPECT_GE(most, isWide ? 16u : 12u);
}

INSTANTIATE_TEST_SUITE_P(Targets, HotLoops,
                         testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) {
                           std::string name = info.param;
                           return name.substr(name.size() - 2);
                         });

} // namespace
} // namespace phlox
