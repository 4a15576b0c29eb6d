// Dispatches single ops one at a time, as an eager framework does.
#pragma once
#include "phlox/runtime.h"
#include "tools/phlox/setup.h"

namespace phlox::tools {

/// Runs one entry point of an artifact op by op. Memory of intermediate values
/// comes from a cache of freed blocks.
class EagerRunner {
public:
  /// Compiles the entry point's ops.
  EagerRunner(const phlox_executable_table &table, const std::string &entry,
              phlox_pool *pool);
  ~EagerRunner();

  /// Runs on a state; buffers are in the order of the artifact's table.
  void run(phlox_state *state, std::span<const phlox_buffer> inputs,
           std::span<const phlox_buffer> outputs);
  /// Single ops that one run dispatches.
  std::int64_t dispatches() const { return dispatches_; }

private:
  struct Kernels;
  void run(const std::vector<EagerStep> &steps);
  std::byte *memory(int tensor);
  void release(int tensor);
  void count_uses(const std::vector<EagerStep> &steps, bool inside);

  EagerProgram program_;
  const phlox_entry_desc *desc_ = nullptr;
  std::unique_ptr<Kernels> kernels_;
  std::vector<std::byte *> at_;  // per tensor: its memory now
  std::vector<int> uses_, left_; // reads of a run, reads still to come
  std::vector<std::uint8_t> borrowed_, kept_;
  std::map<std::int64_t, std::vector<std::byte *>> free_; // by size
  std::vector<phlox_buffer> in_, out_; // of the dispatch at hand
  std::int64_t dispatches_ = 0;
};

} // namespace phlox::tools
