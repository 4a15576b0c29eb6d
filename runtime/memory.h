// Memory for arenas and scratch.
#pragma once
#include <cstddef>
#include <cstdint>
#include <memory>

namespace phlox::runtime {

struct FreeMemory {
  void operator()(std::byte *bytes) const noexcept;
};
using Memory = std::unique_ptr<std::byte[], FreeMemory>;

/// Allocates zeroed memory, written to once so that no page is missing later.
///
/// Units:   bytes; the address is a multiple of 4096, from 2 MiB on a multiple
///          of 2 MiB, offered to the system for huge pages.
/// Errors:  std::bad_alloc.
Memory allocate_zeroed(std::uint64_t bytes);

} // namespace phlox::runtime
