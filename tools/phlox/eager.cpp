#include "tools/phlox/eager.h"
#include "rl/trainer/program.h"
#include <atomic>
#include <cstring>
#include <filesystem>
#include <fmt/core.h>
#include <unistd.h>

namespace phlox::tools {

using rl::check;

struct EagerRunner::Kernels {
  Executable executable;
  phlox_state *state = nullptr;
  std::map<std::string, phlox_entry *> entries;
  ~Kernels() {
    for (auto &[name, entry] : entries)
      phlox_entry_free(entry);
    phlox_state_free(state);
  }
};

namespace {
const phlox_entry_desc &find_entry(const phlox_executable_table &table,
                                   const std::string &name) {
  for (std::uint32_t i = 0; i < table.entry_count; i++)
    if (table.entries[i].name == name)
      return table.entries[i];
  throw std::runtime_error(
      fmt::format("entry point '{}' is not in the artifact", name));
}

std::int64_t round_up(std::int64_t bytes) { return (bytes + 63) / 64 * 64; }
} // namespace

EagerRunner::EagerRunner(const phlox_executable_table &table,
                         const std::string &entry, phlox_pool *pool)
    : desc_(&find_entry(table, entry)), kernels_(std::make_unique<Kernels>()) {
  static std::atomic<int> made_so_far = 0; // several runners in one process
  const auto file =
      std::filesystem::temp_directory_path() /
      fmt::format("phlox-eager-{}-{}.so", getpid(), made_so_far++);
  struct Remove {
    std::filesystem::path path;
    ~Remove() {
      std::error_code ignored;
      std::filesystem::remove(path, ignored);
      std::filesystem::remove(path.replace_extension("h"), ignored);
    }
  } remove{file};
  program_ =
      compiler_library().eager({table.ir, table.ir_bytes}, entry,
                               chosen_variant(table).target, file.string());
  if (program_.dispatches) {
    kernels_->executable = load_executable(file.string());
    check(phlox_state_create(kernels_->executable.get(), &kernels_->state));
    const auto *made = phlox_executable_table_of(kernels_->executable.get());
    for (std::uint32_t i = 0; i < made->entry_count; i++)
      check(phlox_entry_create(kernels_->executable.get(),
                               made->entries[i].name, pool,
                               &kernels_->entries[made->entries[i].name]));
  }
  at_.resize(program_.tensors.size());
  uses_.resize(program_.tensors.size());
  borrowed_.resize(program_.tensors.size());
  kept_.resize(program_.tensors.size());
  count_uses(program_.steps, false);
  for (const auto &result : program_.results)
    uses_[result.tensor]++;
}

EagerRunner::~EagerRunner() {
  for (std::size_t i = 0; i < at_.size(); i++)
    if (!borrowed_[i])
      std::free(at_[i]);
  for (auto &[size, blocks] : free_)
    for (auto *block : blocks)
      std::free(block);
}

void EagerRunner::count_uses(const std::vector<EagerStep> &steps, bool inside) {
  for (const auto &step : steps) {
    for (int tensor : step.operands) {
      uses_[tensor]++;
      // what a loop's body reads lives on until the run ends
      kept_[tensor] |= inside;
    }
    for (int tensor : step.results)
      kept_[tensor] |= inside;
    for (const auto &carry : step.carries) {
      uses_[carry.init]++;
      kept_[carry.inside] = kept_[carry.yielded] = kept_[carry.result] = 1;
    }
    for (const auto &x : step.xs)
      kept_[x.stack] = kept_[x.inside] = 1;
    for (const auto &y : step.ys)
      kept_[y.stack] = kept_[y.inside] = 1;
    count_uses(step.body, true);
  }
}

std::byte *EagerRunner::memory(int tensor) {
  if (!at_[tensor]) {
    const std::int64_t size = round_up(program_.tensors[tensor].bytes);
    auto &blocks = free_[size];
    if (blocks.empty()) {
      at_[tensor] = static_cast<std::byte *>(std::aligned_alloc(64, size));
      if (!at_[tensor])
        throw std::bad_alloc();
    } else {
      at_[tensor] = blocks.back();
      blocks.pop_back();
    }
  }
  return at_[tensor];
}

void EagerRunner::release(int tensor) {
  if (--left_[tensor] > 0 || borrowed_[tensor] || kept_[tensor] || !at_[tensor])
    return;
  free_[round_up(program_.tensors[tensor].bytes)].push_back(at_[tensor]);
  at_[tensor] = nullptr;
}

void EagerRunner::run(const std::vector<EagerStep> &steps) {
  const auto &tensors = program_.tensors;
  for (const auto &step : steps) {
    if (!step.entry.empty()) {
      in_.resize(step.operands.size());
      out_.resize(step.results.size());
      for (std::size_t i = 0; i < step.operands.size(); i++)
        in_[i] = {memory(step.operands[i]),
                  static_cast<std::uint64_t>(tensors[step.operands[i]].bytes)};
      for (std::size_t i = 0; i < step.results.size(); i++)
        out_[i] = {memory(step.results[i]),
                   static_cast<std::uint64_t>(tensors[step.results[i]].bytes)};
      check(phlox_entry_run(kernels_->entries.at(step.entry), kernels_->state,
                            in_.data(), in_.size(), out_.data(), out_.size()));
      dispatches_++;
      for (int tensor : step.operands)
        release(tensor);
      continue;
    }
    for (const auto &carry : step.carries)
      std::memcpy(memory(carry.inside), memory(carry.init),
                  tensors[carry.inside].bytes);
    for (std::int64_t n = 0; n < step.length; n++) {
      const std::int64_t i = step.reverse ? step.length - 1 - n : n;
      for (const auto &x : step.xs)
        std::memcpy(memory(x.inside),
                    memory(x.stack) + i * tensors[x.inside].bytes,
                    tensors[x.inside].bytes);
      run(step.body);
      for (const auto &y : step.ys)
        std::memcpy(memory(y.stack) + i * tensors[y.inside].bytes,
                    memory(y.inside), tensors[y.inside].bytes);
      // all yields before any carry changes: one may be another's source
      std::vector<std::vector<std::byte>> next;
      for (const auto &carry : step.carries)
        next.emplace_back(memory(carry.yielded),
                          memory(carry.yielded) + tensors[carry.inside].bytes);
      for (std::size_t c = 0; c < next.size(); c++)
        std::memcpy(memory(step.carries[c].inside), next[c].data(),
                    next[c].size());
    }
    for (const auto &carry : step.carries) {
      std::memcpy(memory(carry.result), memory(carry.inside),
                  tensors[carry.result].bytes);
      release(carry.init);
    }
  }
}

void EagerRunner::run(phlox_state *state, std::span<const phlox_buffer> inputs,
                      std::span<const phlox_buffer> outputs) {
  dispatches_ = 0;
  left_ = uses_;
  auto leaf = [&](const std::string &name) {
    void *address = nullptr;
    check(phlox_state_leaf(state, name.c_str(), nullptr, &address));
    return static_cast<std::byte *>(address);
  };
  auto position = [](const phlox_tensor *rows, std::uint32_t count,
                     const std::string &name) -> std::uint32_t {
    for (std::uint32_t i = 0; i < count; i++)
      if (rows[i].name == name)
        return i;
    throw std::runtime_error(fmt::format("'{}' is not in the table", name));
  };
  for (const auto &argument : program_.arguments) {
    borrowed_[argument.tensor] = 1;
    at_[argument.tensor] =
        argument.is_leaf
            ? leaf(argument.name)
            : static_cast<std::byte *>(
                  inputs[position(desc_->inputs, desc_->input_count,
                                  argument.name)]
                      .data);
  }
  run(program_.steps);
  // a new state may be made of the old one: gather before anything is written
  std::vector<std::pair<std::byte *, std::vector<std::byte>>> writes;
  for (const auto &result : program_.results) {
    const auto bytes = program_.tensors[result.tensor].bytes;
    auto *target = result.is_leaf
                       ? leaf(result.name)
                       : static_cast<std::byte *>(
                             outputs[position(desc_->outputs,
                                              desc_->output_count, result.name)]
                                 .data);
    if (borrowed_[result.tensor])
      writes.emplace_back(
          target, std::vector<std::byte>(memory(result.tensor),
                                         memory(result.tensor) + bytes));
  }
  for (const auto &result : program_.results) {
    if (borrowed_[result.tensor])
      continue;
    auto *target = result.is_leaf
                       ? leaf(result.name)
                       : static_cast<std::byte *>(
                             outputs[position(desc_->outputs,
                                              desc_->output_count, result.name)]
                                 .data);
    std::memcpy(target, memory(result.tensor),
                program_.tensors[result.tensor].bytes);
    release(result.tensor);
  }
  for (auto &[target, bytes] : writes)
    std::memcpy(target, bytes.data(), bytes.size());
}

} // namespace phlox::tools
