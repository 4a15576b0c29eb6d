// From an object file to an artifact on disk.
#pragma once
#include "compiler/pipelines/Compile.h"

namespace phlox::artifact {

/// Links a compiled program into a shared object with its trailer at `path`,
/// and writes the header beside it (.so replaced by .h). Nothing is left behind
/// on failure.
llvm::Error writeShared(const CompiledObject &compiled,
                        const std::string &path);

/// Writes the relocatable object and its header, for static linking.
llvm::Error writeObject(const CompiledObject &compiled,
                        const std::string &path);

} // namespace phlox::artifact
