#include "runtime/status.h"
#include "runtime/file.h"
#include <cerrno>
#include <new>

namespace phlox::runtime {
namespace {

// for the case that not even a status can be allocated
phlox_status out_of_memory{PHLOX_SYSTEM, "memory must suffice: got none left",
                           ""};

phlox_status *make_status(phlox_code code, const char *message,
                          const std::string &source) noexcept {
  try {
    return new phlox_status{code, message, source};
  } catch (...) {
    return &out_of_memory;
  }
}

std::string text_of(const std::source_location &at) noexcept {
  try {
    return std::string(at.file_name()) + ":" + std::to_string(at.line());
  } catch (...) {
    return "";
  }
}

} // namespace

phlox_status *status_of_exception() noexcept {
  try {
    throw;
  } catch (const StatusError &error) {
    return make_status(error.code, error.what(), text_of(error.at));
  } catch (const FileError &error) {
    bool absent = error.error() == ENOENT || error.error() == ENOTDIR;
    return make_status(absent ? PHLOX_NOT_FOUND : PHLOX_SYSTEM, error.what(),
                       "");
  } catch (const std::bad_alloc &) {
    return &out_of_memory;
  } catch (const std::length_error &) {
    return &out_of_memory;
  } catch (const std::exception &error) {
    return make_status(PHLOX_CORRUPT, error.what(), "");
  } catch (...) {
    return make_status(PHLOX_SYSTEM, "errors must be known: got another", "");
  }
}

} // namespace phlox::runtime

using namespace phlox::runtime;

phlox_code phlox_status_code(const phlox_status *status) {
  return status->code;
}

const char *phlox_status_message(const phlox_status *status) {
  return status->message.c_str();
}

const char *phlox_status_source(const phlox_status *status) {
  return status->source.c_str();
}

void phlox_status_free(phlox_status *status) {
  if (status != &out_of_memory)
    delete status;
}

const char *phlox_runtime_version(void) { return PHLOX_VERSION_TEXT; }
