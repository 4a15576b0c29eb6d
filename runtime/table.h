// Checks of the table that an artifact hands over.
#pragma once
#include "phlox/executable.h"
#include <string>

namespace phlox::runtime {

/// Checks every field of a table that the runtime relies on.
///
/// Errors:  StatusError CORRUPT, `where` in front, with field, requirement and
///          value.
void check_table(const phlox_executable_table *table, const std::string &where);

/// Returns `available` without AMX if a variant wants it and `ask`, called only
/// then, says that this process may not use it.
std::uint64_t permitted_isa(const phlox_executable_table &table,
                            std::uint64_t available, bool (*ask)());

/// Returns the first variant whose instruction sets are all available.
///
/// Errors:  StatusError UNSUPPORTED with what each variant lacks.
const phlox_variant *choose_variant(const phlox_executable_table &table,
                                    std::uint64_t available,
                                    const std::string &where);

} // namespace phlox::runtime
