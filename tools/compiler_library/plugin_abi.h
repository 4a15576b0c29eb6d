// What a plug-in and the compiler that loads it have to agree on, in one line:
// Phlox with its headers' digest, LLVM, the C++ library.
#pragma once
#include "tools/compiler_library/plugin_version.inc"
#include "llvm/Config/llvm-config.h"
#include <version>

#ifdef _LIBCPP_VERSION
#define PHLOX_PLUGIN_STL "libc++"
#else
#define PHLOX_PLUGIN_STL "libstdc++"
#endif
#define PHLOX_PLUGIN_ABI                                                       \
  PHLOX_PLUGIN_VERSION ", LLVM " LLVM_VERSION_STRING ", " PHLOX_PLUGIN_STL
