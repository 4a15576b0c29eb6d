// Entry functions called as the runtime calls them, but with scratch and
// outputs full of NaN before and with tasks run backward: same bits.
#include "dsl/program.h"
#include "test/support/program_runner.h"
#include <algorithm>
#include <cstring>
#include <gtest/gtest.h>

namespace phlox {
namespace {

constexpr size_t guard = 4096;

// memory on a cache line with guards on both sides
struct Block {
  std::vector<char> bytes;
  size_t size;
  explicit Block(size_t size, char fill)
      : bytes(size + 2 * guard + 64, fill), size(size) {
    std::memset(bytes.data(), 0x5a, data() - bytes.data());
    std::memset(data() + size, 0x5a,
                bytes.data() + bytes.size() - data() - size);
  }
  char *data() {
    auto at = reinterpret_cast<uintptr_t>(bytes.data()) + guard;
    return reinterpret_cast<char *>((at + 63) / 64 * 64);
  }
  std::string text() { return {data(), size}; }
  bool isIntact() {
    auto isGuard = [](char c) { return c == 0x5a; };
    return std::all_of(bytes.data(), data(), isGuard) &&
           std::all_of(data() + size, bytes.data() + bytes.size(), isGuard);
  }
};

void forward(const phlox_call *call, phlox_task *task, const int64_t *loops,
             int64_t count) {
  for (int64_t i = 0; i < count; i++)
    task(call, loops, i);
}
void backward(const phlox_call *call, phlox_task *task, const int64_t *loops,
              int64_t count) {
  for (int64_t i = count; i-- > 0;)
    task(call, loops, i);
}

struct Result {
  std::string arena;
  std::vector<std::string> outputs;
  bool operator==(const Result &) const = default;
};

// runs entry point 0 from equal leaves and inputs
Result call(const phlox_executable_table &table, char poison,
            decltype(phlox_call::parallel_for) order) {
  auto &entry = table.entries[0];
  Block arena(table.arena_bytes, 0),
      scratch(table.variants[0].scratch_bytes[0], poison);
  std::vector<Block> inputs, outputs;
  std::vector<const void *> inputAt;
  std::vector<void *> outputAt;
  auto fill = [](char *at, size_t bytes) {
    for (size_t i = 0; i < bytes / 4; i++) {
      float x = std::sin(0.7f * i + 0.3f * (i % 5));
      std::memcpy(at + 4 * i, &x, 4);
    }
  };
  for (uint32_t i = 0; i < table.leaf_count; i++)
    fill(arena.data() + table.leaves[i].offset, table.leaves[i].bytes);
  for (uint32_t i = 0; i < entry.input_count; i++)
    fill(inputs.emplace_back(entry.inputs[i].bytes, 0).data(),
         entry.inputs[i].bytes);
  for (uint32_t i = 0; i < entry.output_count; i++)
    outputs.emplace_back(entry.outputs[i].bytes, poison);
  for (auto &block : inputs)
    inputAt.push_back(block.data());
  for (auto &block : outputs)
    outputAt.push_back(block.data());
  phlox_call arguments{arena.data(),    scratch.data(), inputAt.data(),
                       outputAt.data(), order,          nullptr,
                       nullptr,         nullptr};
  table.variants[0].entries[0](&arguments);
  Result result{arena.text(), {}};
  for (auto &block : outputs) {
    EXPECT_TRUE(block.isIntact());
    result.outputs.push_back(block.text());
  }
  EXPECT_TRUE(arena.isIntact());
  EXPECT_TRUE(scratch.isIntact());
  for (auto &block : inputs)
    EXPECT_TRUE(block.isIntact());
  return result;
}

class RawCall : public testing::TestWithParam<const char *> {};

TEST_P(RawCall, NeedsNothingInScratchAndNoOrderOfTasks) {
  Program program("raw");
  auto p = program.leaf("p", {70, 65}), m = program.leaf("m", {70, 65});
  program.entry("f", [&](Entry &e) {
    Tensor x = e.input("x", {130, 70}), big = e.input("big", {130, 6, 65}),
           w = e.read(p);
    Tensor y = mish(matmul(x, w)) + mean(big, {1});
    auto steps = scan(3, {y}, {}, [&](auto &carries, auto &) {
      Tensor next = softmax(carries[0] * 0.9 + matmul(x, w), 1);
      return ScanStep{{next}, {sum(next, {0})}};
    });
    Tensor padded = pad(steps.carries[0], {1, 2}, {3, 4});
    Tensor loss = mean(square(padded)) + mean(cumsum(y, 1, false)) +
                  mean(logsumexp(concat({y, x}, 1), 1));
    Tensor g = grad(loss, {w})[0], next = e.read(m) * 0.9 + g * 0.1;
    e.write(m, next);
    e.write(p, w - next * 0.1);
    e.output("loss", loss);
    e.output("ys", steps.ys[0]);
    e.output("padded", padded);
    e.output("largest", argmax(y, 1));
    e.output("wins", y > 0);
  });
  CompileOptions options;
  options.target = GetParam();
  uint64_t needed =
      options.target == "x86-64-v4" ? PHLOX_ISA_AVX512VL : PHLOX_ISA_AVX2;
  if (!(phlox_isa_available() & needed))
    GTEST_SKIP() << "this machine lacks " << options.target;
  test::CompiledProgram compiled(program.module(), options);
  auto &table = compiled.table();
  Result clean = call(table, 0, forward);
  EXPECT_GT(table.variants[0].scratch_bytes[0], 0u);
  EXPECT_EQ(call(table, '\xff', forward), clean);
  EXPECT_EQ(call(table, '\xff', backward), clean);
  EXPECT_EQ(call(table, '\x7f', backward), clean);
}

INSTANTIATE_TEST_SUITE_P(Targets, RawCall,
                         testing::Values("x86-64-v3", "x86-64-v4"),
                         [](const auto &info) {
                           std::string name = info.param;
                           return name.substr(name.size() - 2);
                         });

} // namespace
} // namespace phlox
