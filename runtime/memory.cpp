#include "runtime/memory.h"
#include <cstdlib>
#include <cstring>
#include <new>
#include <sys/mman.h>

namespace phlox::runtime {

void FreeMemory::operator()(std::byte *bytes) const noexcept {
  std::free(bytes);
}

Memory allocate_zeroed(std::uint64_t bytes) {
  constexpr std::uint64_t page = 4096, huge_page = std::uint64_t{2} << 20;
  constexpr std::uint64_t most = std::uint64_t{1} << 62;
  if (bytes > most)
    throw std::bad_alloc();
  std::uint64_t alignment = bytes >= huge_page ? huge_page : page;
  std::uint64_t rounded =
      bytes == 0 ? page : (bytes + alignment - 1) / alignment * alignment;
  Memory memory(
      static_cast<std::byte *>(std::aligned_alloc(alignment, rounded)));
  if (!memory)
    throw std::bad_alloc();
  // only advice: without huge pages everything works as well
  if (alignment == huge_page)
    madvise(memory.get(), rounded, MADV_HUGEPAGE);
  std::memset(memory.get(), 0, rounded);
  return memory;
}

} // namespace phlox::runtime
