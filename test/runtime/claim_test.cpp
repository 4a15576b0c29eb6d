// Misuse from inside a run, and what a run may not do: a table whose entry
// point calls back into this file.
#include "test/runtime/support.h"
#include <atomic>

#if !PHLOX_SANITIZED
// every allocation of this process passes here, the runtime's too
extern "C" void *__libc_malloc(std::size_t bytes);
static std::atomic<int> allocations{0};
extern "C" __attribute__((visibility("default"))) void *
malloc(std::size_t bytes) {
  ++allocations;
  return __libc_malloc(bytes);
}
#endif

namespace phlox::runtime::test {
namespace {

std::function<void()> inside; // what the entry point does

const phlox_executable_table *caller_table(std::uint32_t) {
  static const phlox_entry_desc entries[] = {
      {"call", 0, 0, nullptr, nullptr, 0, 0, 0, 0},
      {"other", 0, 0, nullptr, nullptr, 0, 0, 0, 0}};
  static phlox_entry_function *const functions[] = {
      [](const phlox_call *) { inside(); }, [](const phlox_call *) {}};
  static const std::uint64_t scratch[] = {0, 0};
  static const phlox_variant variant = {"x86-64", 0, functions, scratch};
  static const phlox_executable_table table = [] {
    phlox_executable_table table =
        *phlox_executable_query(PHLOX_EXECUTABLE_VERSION);
    table.leaf_count = 0;
    table.entries = entries;
    table.entry_count = 2;
    table.variants = &variant;
    table.variant_count = 1;
    return table;
  }();
  return &table;
}

class ClaimTest : public testing::Test {
protected:
  ClaimTest() {
    phlox_executable *out = nullptr;
    check(phlox_executable_wrap(caller_table, &out));
    executable.reset(out);
    state = make_state(executable);
  }
  phlox_status *run(const Entry &entry) {
    return phlox_entry_run(entry.get(), state.get(), nullptr, 0, nullptr, 0);
  }
  Executable executable{nullptr, phlox_executable_free};
  State state{nullptr, phlox_state_free};
};

TEST_F(ClaimTest, EntryInUseIsRefused) {
  Entry entry = make_entry(executable, "call");
  Result second;
  inside = [&] { second = take(run(entry)); };
  check(run(entry));
  EXPECT_EQ(second.code, PHLOX_INVALID_ARGUMENT);
  EXPECT_EQ(second.message, "entry point 'call': must run once at a time: got "
                            "a second run");
  inside = [] {};
  check(run(entry)); // free again
}

TEST_F(ClaimTest, PoolInUseIsRefused) {
  Pool pool = make_pool(2);
  Entry entry = make_entry(executable, "call", pool.get());
  Entry other = make_entry(executable, "other", pool.get());
  Result second;
  inside = [&] { second = take(run(other)); };
  check(run(entry));
  EXPECT_EQ(second.code, PHLOX_INVALID_ARGUMENT);
  EXPECT_EQ(second.message, "entry point 'other': pool must run one entry "
                            "point at a time: got a second");
  check(run(other));
}

#if !PHLOX_SANITIZED
TEST_F(ClaimTest, RunsAllocateNothing) {
  Executable adder = wrap();
  State arena = make_state(adder);
  Pool pool = make_pool(2);
  Entry add = make_entry(adder, "add", pool.get());
  std::vector<float> x(128), sum(128);
  phlox_buffer in = buffer(x), out = buffer(sum);
  int before = allocations;
  EXPECT_GT(before, 0); // the count works
  phlox_status *status = nullptr;
  for (int i = 0; i < 100 && !status; ++i)
    status = phlox_entry_run(add.get(), arena.get(), &in, 1, &out, 1);
  EXPECT_EQ(allocations, before);
  check(status);
}
#endif

} // namespace
} // namespace phlox::runtime::test
