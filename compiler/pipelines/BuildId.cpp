#include "compiler/pipelines/BuildId.h"
#include "llvm/ADT/StringExtras.h"
#include <cstring>
#include <elf.h>
#include <link.h>

namespace phlox {
namespace {

// the notes of the object whose segments hold `inside`
struct Search {
  ElfW(Addr) inside;
  std::string found;
};

std::string idInNotes(const char *at, size_t bytes) {
  auto padded = [](size_t size) { return (size + 3) / 4 * 4; };
  const char *end = at + bytes;
  while (at + sizeof(ElfW(Nhdr)) <= end) {
    ElfW(Nhdr) note;
    std::memcpy(&note, at, sizeof(note));
    const char *name = at + sizeof(note);
    const char *content = name + padded(note.n_namesz);
    if (content + note.n_descsz > end)
      break;
    if (note.n_type == NT_GNU_BUILD_ID && note.n_namesz == 4 &&
        std::memcmp(name, "GNU", 4) == 0)
      return llvm::toHex(llvm::StringRef(content, note.n_descsz),
                         /*LowerCase=*/true);
    at = content + padded(note.n_descsz);
  }
  return {};
}

int visit(dl_phdr_info *object, size_t, void *data) {
  auto &search = *static_cast<Search *>(data);
  bool holds = false;
  for (int i = 0; i < object->dlpi_phnum; i++) {
    const auto &segment = object->dlpi_phdr[i];
    ElfW(Addr) start = object->dlpi_addr + segment.p_vaddr;
    holds |= segment.p_type == PT_LOAD && search.inside >= start &&
             search.inside < start + segment.p_memsz;
  }
  if (!holds)
    return 0;
  for (int i = 0; i < object->dlpi_phnum && search.found.empty(); i++) {
    const auto &segment = object->dlpi_phdr[i];
    if (segment.p_type == PT_NOTE)
      search.found = idInNotes(
          reinterpret_cast<const char *>(object->dlpi_addr + segment.p_vaddr),
          segment.p_filesz);
  }
  return 1;
}
} // namespace

std::string buildId() {
  Search search{reinterpret_cast<ElfW(Addr)>(&buildId), {}};
  dl_iterate_phdr(visit, &search);
  return search.found.empty() ? "unknown" : search.found;
}

} // namespace phlox
