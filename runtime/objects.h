// What stands behind the handles of the C ABI.
#pragma once
#include "phlox/runtime.h"
#include "runtime/file.h"
#include "runtime/memory.h"
#include <atomic>
#include <string>
#include <vector>

struct phlox_executable {
  ~phlox_executable();
  phlox_executable() = default;
  phlox_executable(const phlox_executable &) = delete;
  phlox_executable &operator=(const phlox_executable &) = delete;

  // open until after dlclose: the loader knows the library by this number
  phlox::runtime::Descriptor image;
  void *library = nullptr; // null for a wrapped artifact
  const phlox_executable_table *table = nullptr;
  const phlox_variant *variant = nullptr; // chosen for this machine
};

struct phlox_state {
  const phlox_executable *executable;
  phlox::runtime::Memory arena;
};

struct phlox_entry {
  const phlox_executable *executable;
  const phlox_entry_desc *desc;
  phlox_entry_function *function;
  phlox_pool *pool; // null: the calling thread alone
  phlox::runtime::Memory scratch;
  std::vector<const void *> inputs;
  std::vector<void *> outputs;
  phlox_record *record = nullptr;
  void *recorder = nullptr;
  std::atomic<bool> busy{false};
};
