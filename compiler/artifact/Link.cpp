#include "compiler/artifact/Link.h"
#include "lld/Common/Driver.h"
#include "runtime/file.h"
#include "runtime/trailer.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/Path.h"
#include "llvm/Support/Process.h"
#include <mutex>

LLD_HAS_DRIVER(elf)

namespace phlox::artifact {

namespace {
std::string headerPath(const std::string &path) {
  llvm::SmallString<256> header(path);
  llvm::sys::path::replace_extension(header, "h");
  return std::string(header);
}

// both files or neither: a full disk shows before the first is renamed
llvm::Error writePair(const std::string &path, llvm::StringRef bytes,
                      llvm::StringRef header) {
  auto span = [](llvm::StringRef text) {
    return std::span(reinterpret_cast<const std::byte *>(text.data()),
                     text.size());
  };
  try {
    runtime::AtomicFile first(headerPath(path)), second(path);
    first.write(span(header));
    second.write(span(bytes));
    first.commit();
    second.commit();
  } catch (const std::exception &failure) {
    return llvm::createStringError(failure.what());
  }
  return llvm::Error::success();
}

// files that go away with the scope
struct Temporary {
  Temporary(llvm::StringRef suffix) {
    llvm::SmallString<128> name;
    int descriptor = -1;
    error =
        llvm::sys::fs::createTemporaryFile("phlox", suffix, descriptor, name);
    path = std::string(name);
    if (descriptor >= 0)
      llvm::sys::Process::SafelyCloseFileDescriptor(descriptor);
  }
  ~Temporary() { llvm::sys::fs::remove(path); }
  std::string path;
  std::error_code error;
};
} // namespace

// links the objects by one call of the linker; returns the file's bytes
static llvm::Expected<std::unique_ptr<llvm::MemoryBuffer>>
link(const CompiledObject &compiled, std::vector<std::string> arguments,
     const std::string &path) {
  std::vector<std::unique_ptr<Temporary>> files;
  auto temporary = [&](const char *suffix) -> llvm::Expected<std::string> {
    files.push_back(std::make_unique<Temporary>(suffix));
    if (files.back()->error)
      return llvm::createStringError("temporary file: " +
                                     files.back()->error.message());
    return files.back()->path;
  };
  for (auto &object : compiled.objects) {
    auto name = temporary("o");
    if (!name)
      return name.takeError();
    std::error_code error;
    llvm::raw_fd_ostream file(*name, error);
    file << object->getBuffer();
    file.flush();
    if (error || file.has_error()) {
      file.clear_error();
      return llvm::createStringError(*name + ": cannot be written");
    }
    arguments.push_back(*name);
  }
  auto made = temporary("linked");
  if (!made)
    return made.takeError();
  arguments.insert(arguments.end(), {"-o", *made});
  std::vector<const char *> pointers{"ld.lld"};
  for (const std::string &argument : arguments)
    pointers.push_back(argument.c_str());
  std::string output, errors;
  llvm::raw_string_ostream out(output), err(errors);
  {
    // the linker keeps global state
    static std::mutex one;
    std::lock_guard<std::mutex> guard(one);
    auto result =
        lld::lldMain(pointers, out, err, {{lld::Gnu, &lld::elf::link}});
    if (result.retCode)
      return llvm::createStringError("linking " + path + " failed: " + errors);
  }
  auto linked = llvm::MemoryBuffer::getFile(*made, false, false);
  if (!linked)
    return llvm::createStringError(*made + ": " + linked.getError().message());
  return llvm::MemoryBuffer::getMemBufferCopy((*linked)->getBuffer());
}

llvm::Error writeShared(const CompiledObject &compiled,
                        const std::string &path) {
  auto linked = link(
      compiled,
      {"-shared", "--no-undefined", "-z", "noexecstack", "-z", "now", "-z",
       "relro", "--hash-style=gnu", "--build-id=sha1",
       std::string("--defsym=") + PHLOX_QUERY_SYMBOL + "=" + compiled.symbol},
      path);
  if (!linked)
    return linked.takeError();
  std::string bytes = (*linked)->getBuffer().str();
  auto trailer = runtime::make_trailer(
      {reinterpret_cast<const std::byte *>(bytes.data()), bytes.size()});
  bytes.append(reinterpret_cast<const char *>(&trailer), sizeof(trailer));
  return writePair(path, bytes, compiled.header);
}

llvm::Error writeObject(const CompiledObject &compiled,
                        const std::string &path) {
  if (compiled.objects.size() == 1)
    return writePair(path, compiled.objects[0]->getBuffer(), compiled.header);
  auto joined = link(compiled, {"-r"}, path);
  if (!joined)
    return joined.takeError();
  return writePair(path, (*joined)->getBuffer(), compiled.header);
}

} // namespace phlox::artifact
