#include "tools/video/gl_context.h"
#include <cstdint>
#include <cstdlib>
#include <dlfcn.h>
#include <stdexcept>
#include <string>
#include <vector>

namespace phlox::tools {
namespace {

// closes the library with its last user
struct Library {
  explicit Library(const char *name)
      : handle(dlopen(name, RTLD_NOW | RTLD_LOCAL)) {}
  Library(const Library &) = delete;
  Library &operator=(const Library &) = delete;
  ~Library() {
    if (handle)
      dlclose(handle);
  }
  template <class F> bool get(F &into, const char *name) const {
    into = handle ? reinterpret_cast<F>(dlsym(handle, name)) : nullptr;
    return into != nullptr;
  }
  void *handle;
};

// the part of EGL 1.5 that a context without a surface needs; numbers of
// EGL/egl.h and EGL/eglext.h
class Egl final : public GlContext {
public:
  Egl() : library_("libEGL.so.1") { ready_ = open(); }
  ~Egl() override {
    if (context_) {
      make_current_(display_, nullptr, nullptr, nullptr);
      destroy_(display_, context_);
    }
    if (display_)
      terminate_(display_);
  }
  bool ready() const { return ready_; }

private:
  static constexpr std::int32_t none = 0x3038, opengl_api = 0x30A2,
                                renderable_type = 0x3040, opengl_bit = 8,
                                surface_type = 0x3033, pbuffer_bit = 1,
                                depth_size = 0x3025, surfaceless = 0x31DD,
                                device = 0x313F;

  bool open() {
    void *(*address)(const char *) = nullptr;
    if (!library_.get(address, "eglGetProcAddress") ||
        !library_.get(initialize_, "eglInitialize") ||
        !library_.get(choose_, "eglChooseConfig") ||
        !library_.get(bind_, "eglBindAPI") ||
        !library_.get(create_, "eglCreateContext") ||
        !library_.get(make_current_, "eglMakeCurrent") ||
        !library_.get(destroy_, "eglDestroyContext") ||
        !library_.get(terminate_, "eglTerminate"))
      return false;
    platform_ = reinterpret_cast<decltype(platform_)>(
        address("eglGetPlatformDisplayEXT"));
    devices_ =
        reinterpret_cast<decltype(devices_)>(address("eglQueryDevicesEXT"));
    if (!platform_)
      return false;
    // graphics cards first, then what renders without one
    void *found[16] = {};
    std::int32_t count = 0;
    if (devices_ && devices_(16, found, &count))
      for (std::int32_t i = 0; i < count; i++)
        if (try_display(platform_(device, found[i], nullptr)))
          return true;
    return try_display(platform_(surfaceless, nullptr, nullptr));
  }

  bool try_display(void *display) {
    std::int32_t major = 0, minor = 0, configs = 0;
    void *config = nullptr;
    const std::int32_t wanted[] = {surface_type, pbuffer_bit, renderable_type,
                                   opengl_bit,   depth_size,  24,
                                   none};
    if (!display || !initialize_(display, &major, &minor))
      return false;
    if (choose_(display, wanted, &config, 1, &configs) && configs == 1 &&
        bind_(opengl_api))
      context_ = create_(display, config, nullptr, nullptr);
    if (context_ && make_current_(display, nullptr, nullptr, context_)) {
      display_ = display;
      return true;
    }
    if (context_)
      destroy_(display, context_);
    context_ = nullptr;
    terminate_(display);
    return false;
  }

  Library library_;
  unsigned (*initialize_)(void *, std::int32_t *, std::int32_t *) = nullptr;
  unsigned (*choose_)(void *, const std::int32_t *, void **, std::int32_t,
                      std::int32_t *) = nullptr;
  unsigned (*bind_)(unsigned) = nullptr;
  void *(*create_)(void *, void *, void *, const std::int32_t *) = nullptr;
  unsigned (*make_current_)(void *, void *, void *, void *) = nullptr;
  unsigned (*destroy_)(void *, void *) = nullptr;
  unsigned (*terminate_)(void *) = nullptr;
  void *(*platform_)(unsigned, void *, const std::int32_t *) = nullptr;
  unsigned (*devices_)(std::int32_t, void **, std::int32_t *) = nullptr;
  void *display_ = nullptr, *context_ = nullptr;
  bool ready_ = false;
};

// renders into memory; the numbers are of GL/osmesa.h and GL/gl.h
class OsMesa final : public GlContext {
public:
  OsMesa() : library_("libOSMesa.so.8") { ready_ = open(); }
  ~OsMesa() override {
    if (context_)
      destroy_(context_);
  }
  bool ready() const { return ready_; }

private:
  static constexpr unsigned rgba = 0x1908, unsigned_byte = 0x1401;
  static constexpr int size = 64; // frames are drawn into buffers of their own

  bool open() {
    if (!library_.get(create_, "OSMesaCreateContextExt") ||
        !library_.get(make_current_, "OSMesaMakeCurrent") ||
        !library_.get(destroy_, "OSMesaDestroyContext"))
      return false;
    context_ = create_(rgba, 24, 8, 0, nullptr);
    pixels_.resize(4 * size * size);
    return context_ &&
           make_current_(context_, pixels_.data(), unsigned_byte, size, size);
  }

  Library library_;
  void *(*create_)(unsigned, int, int, int, void *) = nullptr;
  unsigned char (*make_current_)(void *, void *, unsigned, int, int) = nullptr;
  void (*destroy_)(void *) = nullptr;
  void *context_ = nullptr;
  std::vector<unsigned char> pixels_;
  bool ready_ = false;
};

} // namespace

std::unique_ptr<GlContext> make_gl_context() {
  const char *variable = std::getenv("PHLOX_GL");
  const std::string wanted = variable ? variable : "";
  if (!wanted.empty() && wanted != "egl" && wanted != "osmesa")
    throw std::runtime_error("PHLOX_GL must be egl or osmesa: got '" + wanted +
                             "'");
  if (wanted != "osmesa")
    if (auto egl = std::make_unique<Egl>(); egl->ready())
      return egl;
  if (wanted != "egl")
    if (auto mesa = std::make_unique<OsMesa>(); mesa->ready())
      return mesa;
  throw std::runtime_error("drawing needs OpenGL without a window, by EGL or "
                           "OSMesa (Debian: libosmesa6): got neither");
}

} // namespace phlox::tools
