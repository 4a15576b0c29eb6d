// The last bytes of an artifact file: they tell a whole file from a damaged
// one before the loader runs any of its code.
#pragma once
#include "phlox/executable.h"
#include <cstddef>
#include <span>
#include <string>
#include <string_view>

namespace phlox::runtime {

/// Computes the trailer of an ELF image.
///
/// Source:  layout in phlox/executable.h.
phlox_trailer make_trailer(std::span<const std::byte> image);

/// Appends the trailer to a shared object and replaces the file in one step.
/// Permissions stay.
///
/// Errors:  FileError; std::runtime_error if it already ends in a trailer.
void append_trailer(const std::string &path);

/// Checks a whole artifact file; returns its image, without the trailer.
///
/// Errors:  std::runtime_error: cut short, no trailer, wrong version, wrong
///          size, different sha256; `path` stands in front.
std::span<const std::byte> check_trailer(std::span<const std::byte> file,
                                         const std::string &path);

} // namespace phlox::runtime
