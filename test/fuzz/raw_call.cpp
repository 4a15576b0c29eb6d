#include "test/fuzz/raw_call.h"
#include <algorithm>
#include <cstring>
#include <xmmintrin.h>

namespace phlox::fuzz {

namespace {

constexpr size_t kGuard = 1024;
constexpr char kGuardByte = 0x5a;

// memory between guards, `skew` bytes behind a multiple of 64
class Block {
public:
  Block(size_t size, size_t skew)
      : bytes(size + 2 * kGuard + 128, kGuardByte), size(size), skew(skew) {
    std::memset(data(), 0xff, size); // NaN
  }
  Block(const void *from, size_t size, size_t skew) : Block(size, skew) {
    std::memcpy(data(), from, size);
  }
  char *data() {
    auto at = reinterpret_cast<uintptr_t>(bytes.data()) + kGuard + 63;
    return reinterpret_cast<char *>(at / 64 * 64 + skew);
  }
  bool isIntact() {
    auto isGuard = [](char c) { return c == kGuardByte; };
    return std::all_of(bytes.data(), data(), isGuard) &&
           std::all_of(data() + size, bytes.data() + bytes.size(), isGuard);
  }

private:
  std::vector<char> bytes;
  size_t size, skew;
};

void backward(const phlox_call *call, phlox_task *task, const int64_t *loops,
              int64_t count) {
  for (int64_t i = count; i-- > 0;)
    task(call, loops, i);
}

// as the runtime's threads take tiny numbers: for 0
class TinyIsZero {
public:
  TinyIsZero() { _mm_setcsr(before | 0x8040); }
  ~TinyIsZero() { _mm_setcsr(before); }

private:
  const unsigned before = _mm_getcsr();
};

} // namespace

test::Tensors runRaw(test::CompiledProgram &compiled,
                     const test::Tensors &arguments,
                     std::vector<std::string> &problems) {
  return compiled.run("f", arguments, [&](auto *state, auto in, auto out) {
    const phlox_executable_table &table = compiled.table();
    void *leaves = phlox_state_arena(state);
    Block arena(leaves, table.arena_bytes, 0),
        scratch(table.variants[0].scratch_bytes[0], 0);
    // inputs and outputs lie on elements, not on cache lines
    std::vector<Block> inputs, outputs;
    std::vector<const void *> inputAt;
    std::vector<void *> outputAt;
    for (const phlox_buffer &buffer : in)
      inputs.emplace_back(buffer.data, buffer.bytes, 8);
    for (const phlox_buffer &buffer : out)
      outputs.emplace_back(buffer.bytes, 24);
    for (Block &block : inputs)
      inputAt.push_back(block.data());
    for (Block &block : outputs)
      outputAt.push_back(block.data());
    phlox_call call{};
    call.arena = arena.data();
    call.scratch = scratch.data();
    call.inputs = inputAt.data();
    call.outputs = outputAt.data();
    call.parallel_for = backward;
    {
      TinyIsZero mode;
      table.variants[0].entries[0](&call);
    }
    bool isIntact = arena.isIntact() && scratch.isIntact();
    for (Block &block : inputs)
      isIntact &= block.isIntact();
    for (Block &block : outputs)
      isIntact &= block.isIntact();
    if (!isIntact)
      problems.push_back("memory: must be written inside: got a write outside");
    std::memcpy(leaves, arena.data(), table.arena_bytes);
    for (size_t i = 0; i < out.size(); i++)
      std::memcpy(out[i].data, outputs[i].data(), out[i].bytes);
  });
}

} // namespace phlox::fuzz
