// Damaged copies of a good table, one field each.
#include "runtime/table.h"
#include "test/runtime/support.h"

namespace phlox::runtime::test {
namespace {

// a copy of the adder's table whose rows may be changed
class TableTest : public testing::Test {
protected:
  TableTest() {
    const phlox_executable_table &good =
        *phlox_executable_query(PHLOX_EXECUTABLE_VERSION);
    table = good;
    leaves.assign(good.leaves, good.leaves + good.leaf_count);
    entries.assign(good.entries, good.entries + good.entry_count);
    inputs.assign(entries[4].inputs, entries[4].inputs + 2);
    entries[4].inputs = inputs.data();
    variants.assign(good.variants, good.variants + good.variant_count);
    functions.assign(variants[0].entries,
                     variants[0].entries + good.entry_count);
    variants[1].entries = functions.data();
    table.leaves = leaves.data();
    table.entries = entries.data();
    table.variants = variants.data();
  }
  // refusal through the C ABI, as a caller meets it
  std::string refusal() {
    served = &table;
    phlox_executable *out = nullptr;
    Result result = take(phlox_executable_wrap(
        [](std::uint32_t) -> const phlox_executable_table * { return served; },
        &out));
    phlox_executable_free(out);
    if (result.code == 0)
      return "no error";
    EXPECT_EQ(result.code, PHLOX_CORRUPT);
    const std::string front = "artifact table: ";
    EXPECT_EQ(result.message.substr(0, front.size()), front);
    return result.message.substr(front.size());
  }

  static inline const phlox_executable_table *served = nullptr;
  phlox_executable_table table;
  std::vector<phlox_tensor> leaves, inputs;
  std::vector<phlox_entry_desc> entries;
  std::vector<phlox_variant> variants;
  std::vector<phlox_entry_function *> functions;
};

TEST_F(TableTest, GoodOnePasses) { EXPECT_EQ(refusal(), "no error"); }

TEST_F(TableTest, Head) {
  table.magic = 5;
  EXPECT_EQ(refusal(), "magic must be 6363388671966402640: got 5");
  table.magic = PHLOX_EXECUTABLE_MAGIC;
  table.version = 3;
  EXPECT_EQ(refusal(), "version must be 2: got 3");
  table.version = PHLOX_EXECUTABLE_VERSION;
  table.table_bytes = 136;
  EXPECT_EQ(refusal(), "size must be 144 bytes: got 136");
}

TEST_F(TableTest, Texts) {
  table.program = nullptr;
  EXPECT_EQ(refusal(), "program must not be null: got null");
  table.program = "adder";
  table.hash = "00ff";
  EXPECT_EQ(refusal(), "hash must be 64 hexadecimal digits: got '00ff'");
}

TEST_F(TableTest, Counts) {
  table.leaf_count = 0xffffffff;
  EXPECT_EQ(refusal(), "leaf count must be in [0, 1048576]: got 4294967295");
  table.leaf_count = 4;
  table.leaves = nullptr;
  EXPECT_EQ(refusal(), "leaf rows must not be null: got null");
  table.leaves = leaves.data();
  table.entry_count = 0;
  EXPECT_EQ(refusal(), "entry count must be in [1, 65536]: got 0");
  table.entry_count = 6;
  table.variant_count = 100;
  EXPECT_EQ(refusal(), "variant count must be in [1, 64]: got 100");
  table.variant_count = 2;
  table.ir_bytes = 10;
  EXPECT_EQ(refusal(), "ir must not be null: got null with 10 bytes");
}

TEST_F(TableTest, LeafPlaces) {
  leaves[1].offset = 65;
  EXPECT_EQ(refusal(), "leaf 'count': offset must be a multiple of 64: got 65");
  leaves[1].offset = 256;
  EXPECT_EQ(refusal(), "leaf 'count': must end within the arena's 256 bytes: "
                       "got offset 256 and 8 bytes");
  leaves[1].offset = 0ull - 64;
  EXPECT_EQ(refusal(), "leaf 'count': must end within the arena's 256 bytes: "
                       "got offset 18446744073709551552 and 8 bytes");
  leaves[1].offset = 192;
  EXPECT_EQ(refusal().substr(0, 5), "leaf ");
  leaves[1].offset = 64;
  leaves[3].offset = 128;
  EXPECT_EQ(refusal().find(": must begin after leaf '"), 11u) << refusal();
}

TEST_F(TableTest, LeafTypes) {
  const std::int64_t negative[] = {-16}, huge[] = {1ll << 62, 4};
  leaves[0].dtype = 9;
  EXPECT_EQ(refusal(), "leaf 'layer/weight': dtype must be in [1, 8]: got 9");
  leaves[0].dtype = PHLOX_F32;
  leaves[0].bytes = 60;
  EXPECT_EQ(refusal(),
            "leaf 'layer/weight': bytes must be 64 for f32 16: got 60");
  leaves[0].dims = negative;
  EXPECT_EQ(refusal(), "leaf 'layer/weight': extents must be from 0 on and fit "
                       "2^63 bytes: got f32 -16");
  leaves[0].dims = huge;
  leaves[0].rank = 2;
  EXPECT_EQ(refusal(), "leaf 'layer/weight': extents must be from 0 on and fit "
                       "2^63 bytes: got f32 4611686018427387904x4");
  leaves[0].rank = 1000;
  EXPECT_EQ(refusal(),
            "leaf 'layer/weight': rank must be at most 32: got 1000");
  leaves[0].rank = 1;
  leaves[0].dims = nullptr;
  EXPECT_EQ(refusal(), "leaf 'layer/weight': dims must not be null: got null");
}

TEST_F(TableTest, Names) {
  leaves[2].name = "count";
  EXPECT_EQ(refusal(), "leaf 2 name must occur once: got 'count' twice");
  leaves[2].name = "";
  EXPECT_EQ(refusal(), "leaf 2 name must not be empty: got none");
  leaves[2].name = nullptr;
  EXPECT_EQ(refusal(), "leaf 2 name must not be null: got null");
  leaves[2].name = "flag";
  entries[1].name = "init";
  EXPECT_EQ(refusal(), "entry 1 name must occur once: got 'init' twice");
  entries[1].name = "add";
  inputs[1].name = "obs";
  EXPECT_EQ(refusal(), "entry point 'evaluate_1': input 1 name must occur "
                       "once: got 'obs' twice");
}

TEST_F(TableTest, Arguments) {
  inputs[0].bytes = 8;
  EXPECT_EQ(refusal(), "entry point 'evaluate_1': input 'obs': bytes must be "
                       "12 for f32 1x3: got 8");
  inputs[0].bytes = 12;
  entries[4].input_count = 1 << 20;
  EXPECT_EQ(refusal(), "entry point 'evaluate_1': input count must be in [0, "
                       "65536]: got 1048576");
  entries[4].input_count = 2;
  entries[4].outputs = nullptr;
  EXPECT_EQ(refusal(), "entry point 'evaluate_1': output rows must not be "
                       "null: got null");
}

TEST_F(TableTest, Kernels) {
  table.kernel_count = 1;
  EXPECT_EQ(refusal(), "kernel rows must not be null: got null");
  phlox_kernel kernel = {"map 4", table.entry_count, 0, 1, 0, 0};
  table.kernels = &kernel;
  EXPECT_EQ(refusal(), "kernel 0 entry must be below " +
                           std::to_string(table.entry_count) + ": got " +
                           std::to_string(table.entry_count));
  kernel = {nullptr, 0, 0, 1, 0, 0};
  EXPECT_EQ(refusal(), "kernel 0 name must not be null: got null");
}

TEST_F(TableTest, Variants) {
  variants[0].target = nullptr;
  EXPECT_EQ(refusal(), "variant 0 target must not be null: got null");
  variants[0].target = "future";
  variants[1].scratch_bytes = nullptr;
  EXPECT_EQ(refusal(), "variant 1: functions and scratch sizes must not be "
                       "null: got null");
  variants[1].scratch_bytes = variants[0].scratch_bytes;
  functions[2] = nullptr;
  EXPECT_EQ(refusal(), "variant 1: function of entry point 'visit' must not be "
                       "null: got null");
}

TEST_F(TableTest, MemoryThatDoesNotExistIsRefused) {
  table.arena_bytes = ~0ull;
  served = &table;
  phlox_executable *executable = nullptr;
  check(phlox_executable_wrap(
      [](std::uint32_t) -> const phlox_executable_table * { return served; },
      &executable));
  phlox_state *state = nullptr;
  Result result = take(phlox_state_create(executable, &state));
  EXPECT_EQ(result.code, PHLOX_SYSTEM);
  EXPECT_EQ(result.message, "memory must suffice: got none left");
  phlox_executable_free(executable);
}

} // namespace
} // namespace phlox::runtime::test
