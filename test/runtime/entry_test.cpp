#include "test/runtime/support.h"
#include <thread>

namespace phlox::runtime::test {
namespace {

class EntryTest : public testing::Test {
protected:
  Result run(const Entry &entry, std::vector<phlox_buffer> inputs,
             std::vector<phlox_buffer> outputs) {
    return take(phlox_entry_run(entry.get(), state.get(), inputs.data(),
                                inputs.size(), outputs.data(), outputs.size()));
  }
  Executable executable = wrap();
  State state = make_state(executable);
  Entry init = make_entry(executable, "init");
  Entry add = make_entry(executable, "add");
  std::vector<std::uint64_t> seed = {3};
  std::vector<float> x = std::vector<float>(128, 1.0f),
                     sum = std::vector<float>(128);
};

TEST_F(EntryTest, UpdatesTheStateAndWritesOutputs) {
  ASSERT_EQ(run(init, {buffer(seed)}, {}).message, "");
  for (std::uint64_t step = 1; step <= 3; ++step) {
    ASSERT_EQ(run(add, {buffer(x)}, {buffer(sum)}).message, "");
    void *count = nullptr;
    check(phlox_state_leaf(state.get(), "count", nullptr, &count));
    EXPECT_EQ(*static_cast<std::uint64_t *>(count), step);
  }
  for (int i = 0; i < 128; ++i)
    EXPECT_EQ(sum[i], 1.0f + 3.0f + static_cast<float>(i % 16)) << i;
}

TEST_F(EntryTest, DescribesItself) {
  const phlox_entry_desc *desc = phlox_entry_table(add.get());
  EXPECT_STREQ(desc->name, "add");
  EXPECT_EQ(desc->flops, 128u);
  EXPECT_EQ(phlox_entry_table(nullptr), nullptr);
}

TEST_F(EntryTest, UnknownNamesAreRefusedWithTheKnownOnes) {
  phlox_entry *out = nullptr;
  Result result =
      take(phlox_entry_create(executable.get(), "sample", nullptr, &out));
  EXPECT_EQ(result.code, PHLOX_NOT_FOUND);
  EXPECT_EQ(result.message, "entry point of 'adder' must be one of init, add, "
                            "visit, modes, evaluate_1, meet: got 'sample'");
  EXPECT_EQ(out, nullptr);
}

TEST_F(EntryTest, WrongBuffersAreRefusedAndNothingRuns) {
  auto refusal = [&](std::vector<phlox_buffer> in,
                     std::vector<phlox_buffer> out) {
    Result result = run(add, in, out);
    EXPECT_EQ(result.code, PHLOX_INVALID_ARGUMENT);
    return result.message;
  };
  phlox_buffer good_x = buffer(x), good_sum = buffer(sum);
  EXPECT_EQ(refusal({}, {good_sum}),
            "entry point 'add': input count must be 1: got 0");
  EXPECT_EQ(refusal({good_x}, {good_sum, good_sum}),
            "entry point 'add': output count must be 1: got 2");
  EXPECT_EQ(refusal({{x.data(), 508}}, {good_sum}),
            "entry point 'add': input 0 'x' must be f32 8x16, 512 bytes: got "
            "508 bytes");
  EXPECT_EQ(refusal({good_x}, {{sum.data(), 0}}),
            "entry point 'add': output 0 'sum' must be f32 8x16, 512 bytes: "
            "got 0 bytes");
  EXPECT_EQ(refusal({{nullptr, 512}}, {good_sum}),
            "entry point 'add': input 0 'x' must be f32 8x16: got a null "
            "address");
  char *odd = reinterpret_cast<char *>(sum.data()) + 2;
  EXPECT_EQ(refusal({good_x}, {{odd, 512}}),
            "entry point 'add': output 0 'sum' must be f32 8x16 at a multiple "
            "of 4 bytes: got an address 2 beyond one");
  EXPECT_EQ(
      take(phlox_entry_run(add.get(), state.get(), nullptr, 1, &good_sum, 1))
          .message,
      "entry point 'add': input buffers must not be null: got null");
  void *count = nullptr;
  check(phlox_state_leaf(state.get(), "count", nullptr, &count));
  EXPECT_EQ(*static_cast<std::uint64_t *>(count), 0u);
}

TEST_F(EntryTest, StatesOfOtherExecutablesAreRefused) {
  Executable other = wrap();
  State stranger = make_state(other);
  phlox_buffer in = buffer(seed);
  EXPECT_EQ(
      take(phlox_entry_run(init.get(), stranger.get(), &in, 1, nullptr, 0))
          .message,
      "entry point 'init': state must be made from the same executable: "
      "got one of 'adder'");
}

TEST_F(EntryTest, RecordsMustBeCompiledIn) {
  auto record = [](void *, std::uint32_t, std::int64_t, std::uint64_t,
                   std::uint64_t) {};
  EXPECT_EQ(take(phlox_entry_record(add.get(), record, nullptr)).message,
            "entry point 'add': artifact must be compiled with records: got "
            "one without");
  EXPECT_EQ(take(phlox_entry_record(add.get(), nullptr, nullptr)).code, 0);
}

TEST_F(EntryTest, ScratchIsAlignedAndWhole) {
  Entry modes = make_entry(executable, "modes");
  std::vector<std::uint32_t> words(64);
  std::vector<std::uint64_t> scratch(1);
  ASSERT_EQ(run(modes, {}, {buffer(words), buffer(scratch)}).message, "");
  EXPECT_NE(scratch[0], 0u);
  EXPECT_EQ(scratch[0] % 4096, 0u);
}

TEST_F(EntryTest, ReadersOfOneStateRunAtOnce) {
  ASSERT_EQ(run(init, {buffer(seed)}, {}).message, "");
  std::vector<std::thread> threads;
  std::atomic<int> wrong{0};
  for (std::uint64_t t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      Entry entry = make_entry(executable, "evaluate_1");
      for (std::uint64_t step = 0; step < 200; ++step) {
        std::vector<float> obs = {1, 2, static_cast<float>(t)}, action(2);
        std::vector<std::uint64_t> counter = {step};
        if (run(entry, {buffer(obs), buffer(counter)}, {buffer(action)}).code !=
                0 ||
            action[0] != static_cast<float>(3 + t + step) || action[1] != 3)
          ++wrong;
      }
    });
  for (std::thread &thread : threads)
    thread.join();
  EXPECT_EQ(wrong, 0);
}

TEST_F(EntryTest, NullArgumentsAreRefused) {
  phlox_entry *out = nullptr;
  EXPECT_EQ(take(phlox_entry_create(nullptr, "add", nullptr, &out)).message,
            "executable must not be null: got null");
  EXPECT_EQ(take(phlox_entry_create(executable.get(), nullptr, nullptr, &out))
                .message,
            "name must not be null: got null");
  EXPECT_EQ(take(phlox_entry_run(nullptr, state.get(), nullptr, 0, nullptr, 0))
                .message,
            "entry must not be null: got null");
  EXPECT_EQ(
      take(phlox_entry_run(add.get(), nullptr, nullptr, 0, nullptr, 0)).message,
      "state must not be null: got null");
  phlox_entry_free(nullptr);
}

} // namespace
} // namespace phlox::runtime::test
