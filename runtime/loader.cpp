// Artifact files: checked whole, then handed to the system's loader from a
// sealed copy in memory, so that the bytes that run are the bytes that were
// hashed, even if somebody overwrites the file meanwhile.
#include "runtime/isa.h"
#include "runtime/objects.h"
#include "runtime/status.h"
#include "runtime/table.h"
#include "runtime/trailer.h"
#include <cerrno>
#include <cstdlib>
#include <dlfcn.h>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <unistd.h>

#ifndef MFD_EXEC
#define MFD_EXEC 0x0010U
#endif

namespace phlox::runtime {
namespace {

Descriptor copy_to_memory(std::span<const std::byte> image,
                          const std::string &path) {
  // the name shows in /proc/self/maps and in profiles
  std::string name = path.substr(path.rfind('/') + 1).substr(0, 200);
  unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
  int fd = memfd_create(name.c_str(), flags | MFD_EXEC);
  if (fd < 0 && errno == EINVAL) // a kernel before 6.3
    fd = memfd_create(name.c_str(), flags);
  if (fd < 0)
    throw FileError(path, "make a copy in memory of", errno);
  Descriptor result(fd);
  write_exactly(fd, image, path);
  constexpr int seals =
      F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE;
  if (fcntl(fd, F_ADD_SEALS, seals) != 0)
    throw FileError(path, "seal the copy in memory of", errno);
  return result;
}

std::string descriptor_path(const Descriptor &fd) {
  return "/proc/self/fd/" + std::to_string(fd.get());
}

// the system's loader takes a library of the same name for the same library;
// one may have stayed behind under the number of a descriptor closed since
void take_unused_number(Descriptor &fd, const std::string &path) {
  while (void *other =
             dlopen(descriptor_path(fd).c_str(), RTLD_LAZY | RTLD_NOLOAD)) {
    dlclose(other);
    int next = fcntl(fd.get(), F_DUPFD_CLOEXEC, fd.get() + 1);
    if (next < 0)
      throw FileError(path, "find a descriptor for", errno);
    fd = Descriptor(next);
  }
}

void open_library(phlox_executable &executable, const std::string &path) {
  executable.library =
      dlopen(descriptor_path(executable.image).c_str(), RTLD_NOW | RTLD_LOCAL);
  if (executable.library)
    return;
  const char *reason = dlerror();
  throw StatusError(PHLOX_CORRUPT,
                    path + ": artifact: must be a loadable ELF object: got " +
                        (reason ? reason : "no reason"));
}

// a limit that nobody understands must not pass for one that is met
void check_limit() {
  const char *text = std::getenv("PHLOX_MAX_ISA");
  if (!isa_limit(text ? text : ""))
    throw StatusError(PHLOX_INVALID_ARGUMENT,
                      "PHLOX_MAX_ISA must be x86-64, x86-64-v3, x86-64-v4, "
                      "avx512-bf16 or amx: got '" +
                          std::string(text) + "'");
}

void adopt(phlox_executable &executable, phlox_query_function *query,
           const std::string &where) {
  check_limit();
  const phlox_executable_table *table = query(PHLOX_EXECUTABLE_VERSION);
  check_table(table, where);
  executable.table = table;
  std::uint64_t isa =
      permitted_isa(*table, phlox_isa_available(), tiles_permitted);
  executable.variant = choose_variant(*table, isa, where);
}

} // namespace
} // namespace phlox::runtime

using namespace phlox::runtime;

phlox_executable::~phlox_executable() {
  if (library)
    dlclose(library);
}

phlox_status *phlox_executable_load(const char *path, phlox_executable **out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    require(path, "path");
    std::vector<std::byte> file = read_file(path);
    std::span<const std::byte> image = check_trailer(file, path);
    auto executable = std::make_unique<phlox_executable>();
    executable->image = copy_to_memory(image, path);
    take_unused_number(executable->image, path);
    open_library(*executable, path);
    auto *query = reinterpret_cast<phlox_query_function *>(
        dlsym(executable->library, PHLOX_QUERY_SYMBOL));
    std::string where = std::string(path) + ": artifact";
    if (!query)
      throw StatusError(PHLOX_CORRUPT, where + ": symbol " PHLOX_QUERY_SYMBOL
                                               " must be exported: got none");
    adopt(*executable, query, where);
    *out = executable.release();
  });
}

phlox_status *phlox_executable_wrap(phlox_query_function *query,
                                    phlox_executable **out) {
  return guarded([&] {
    require(out, "out");
    *out = nullptr;
    require(reinterpret_cast<const void *>(query), "query");
    auto executable = std::make_unique<phlox_executable>();
    adopt(*executable, query, "artifact");
    *out = executable.release();
  });
}

const phlox_executable_table *
phlox_executable_table_of(const phlox_executable *executable) {
  return executable ? executable->table : nullptr;
}

void phlox_executable_free(phlox_executable *executable) { delete executable; }
