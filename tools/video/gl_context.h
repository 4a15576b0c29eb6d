// An OpenGL context without a window.
#pragma once
#include <memory>

namespace phlox::tools {

/// Is current on the thread that made it, until its end.
///
/// Threads: one object at a time, used by the thread that made it.
class GlContext {
public:
  virtual ~GlContext() = default;
};

/// Makes a context by EGL, or by OSMesa where that gives none; the environment
/// variable PHLOX_GL (egl or osmesa) leaves the other out.
///
/// Errors:  std::runtime_error with one line that says what to install.
std::unique_ptr<GlContext> make_gl_context();

} // namespace phlox::tools
