#include "tools/compiler_library/plugin.h"
#include "rl/algorithms/registry.h"
#include "tools/compiler_library/plugin_abi.h"
#include "llvm/Object/ELF.h"
#include "llvm/Support/MemoryBuffer.h"
#include <algorithm>
#include <dlfcn.h>
#include <filesystem>
#include <fmt/core.h>
#include <map>
#include <stdexcept>

namespace phlox::tools {
namespace {

using Elf = llvm::object::ELFFile<llvm::object::ELF64LE>;
#if defined(__x86_64__)
constexpr auto machine = llvm::ELF::EM_X86_64;
#elif defined(__aarch64__)
constexpr auto machine = llvm::ELF::EM_AARCH64;
#endif

[[noreturn]] void refuse(const std::string &path, std::string_view required,
                         const std::string &got) {
  throw std::runtime_error(
      fmt::format("{}: plug-in must {}: got {}", path, required, got));
}

template <class T>
T value_of(const std::string &path, llvm::Expected<T> result) {
  if (!result)
    refuse(path, "be a shared object", llvm::toString(result.takeError()));
  return *result;
}

// the text of a note by the name of phlox; empty if there is none
std::string built_for(const std::string &path, const Elf &elf) {
  std::string text;
  for (const auto &part : value_of(path, elf.program_headers())) {
    // the system's loader ends the process where a part is cut off
    if (part.p_offset > elf.getBufSize() ||
        part.p_filesz > elf.getBufSize() - part.p_offset)
      refuse(path, "be a shared object", "a file that is cut off");
    if (part.p_type != llvm::ELF::PT_NOTE)
      continue;
    llvm::Error error = llvm::Error::success();
    for (const auto &note : elf.notes(part, error))
      if (note.getName() == "phlox")
        text = note.getDescAsStringRef(std::max<size_t>(part.p_align, 4))
                   .rtrim('\0')
                   .str();
    if (error)
      refuse(path, "be a shared object", llvm::toString(std::move(error)));
  }
  return text;
}

void check_file(const std::string &path) {
  auto file = llvm::MemoryBuffer::getFile(path, false, false);
  if (!file)
    refuse(path, "be a file", file.getError().message());
  const llvm::StringRef bytes = (*file)->getBuffer();
  if (!bytes.starts_with(llvm::StringRef(llvm::ELF::ElfMagic)))
    refuse(path, "be a shared object", "a file of another kind");
  if (bytes.size() < sizeof(Elf::Elf_Ehdr))
    refuse(path, "be a shared object", "a file that is cut off");
  const auto kind = llvm::object::getElfArchType(bytes);
  if (kind != std::pair<unsigned char, unsigned char>(llvm::ELF::ELFCLASS64,
                                                      llvm::ELF::ELFDATA2LSB))
    refuse(path, "be a shared object for this machine", "one for another");
  const Elf elf = value_of(path, Elf::create(bytes));
  if (elf.getHeader().e_type != llvm::ELF::ET_DYN)
    refuse(path, "be a shared object", "another kind of ELF file");
  if (elf.getHeader().e_machine != machine)
    refuse(path, "be a shared object for this machine", "one for another");
  const std::string abi = built_for(path, elf);
  if (abi.empty())
    refuse(path, "be made with phlox_add_algorithm", "a file that was not");
  if (abi != PHLOX_PLUGIN_ABI)
    refuse(path, "be built for " PHLOX_PLUGIN_ABI, abi);
}

} // namespace

const std::vector<std::string> &load_plugin(const std::string &path) {
  static std::map<std::string, std::vector<std::string>> loaded;
  std::error_code error;
  // a name without a slash would be searched for elsewhere
  const std::string place =
      std::filesystem::weakly_canonical(path, error).string();
  if (const auto known = loaded.find(place); known != loaded.end())
    return known->second;
  check_file(place);
  // it stays, whatever becomes of its algorithms: they hold its code
  auto names = rl::add_plugin(place, [&] {
    if (!dlopen(place.c_str(), RTLD_NOW | RTLD_LOCAL))
      refuse(place, "load", dlerror());
  });
  return loaded.emplace(place, std::move(names)).first->second;
}

} // namespace phlox::tools
