// What the command line asks of the compiler. The library behind it (compiler,
// DSL and algorithms) is loaded on demand, so that training from an artifact
// never loads LLVM.
#pragma once
#include "runtime/safetensors.h"
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <span>
#include <string>
#include <vector>

namespace phlox::tools {

/// A program to trace and what to make of it.
struct CompileRequest {
  std::string algorithm, env;
  int obs_size = 0, action_size = 0;
  nlohmann::json config = nlohmann::json::object(); // the algorithm's keys
  std::vector<int> acting;                          // batch sizes of sample_N
  std::string target = "native", precision = "high";
  bool explicit_noise = false, embed_ir = true;
  std::vector<std::string> without; // rewrites that the compiler leaves out
  bool records = false; // kernels report their times to phlox_entry_record
  std::string dump_ir;  // folder for the IR after each phase, or empty
};

/// One tensor of an eager program.
struct EagerTensor {
  phlox_dtype dtype = PHLOX_F32;
  std::vector<std::int64_t> shape;
  std::int64_t bytes = 0;
};

/// A dispatch of `entry` of the kernel artifact, or (entry empty) a loop.
struct EagerStep {
  struct Carry {
    int init, inside, yielded, result;
  };
  struct Slice {
    int stack, inside;
  };
  std::string entry;
  std::vector<int> operands, results; // tensors by number
  std::int64_t length = 0;
  bool reverse = false;
  std::vector<Carry> carries;
  std::vector<Slice> xs, ys;
  std::vector<EagerStep> body;
};

/// One entry point as dispatches of single ops.
struct EagerProgram {
  struct Named {
    std::string name;
    bool is_leaf = false;
    int tensor = 0;
  };
  std::vector<EagerTensor> tensors;
  std::vector<Named> arguments, results;
  std::vector<EagerStep> steps;
  bool dispatches = false; ///< false: copies alone, there is no artifact
};

/// A policy to cut out of an artifact's program: its entry point for one row,
/// with what a host would have to do around it.
struct PolicyRequest {
  std::string entry; // of the program: (obs (1, O), step) -> action (1, A)
  // of the task: action = middle + reach * clip(policy, -1, 1), each (A)
  std::vector<float> middle, reach;
  std::string target, description; // the last one JSON
};

/// The compiler. Its functions throw std::runtime_error (failure) or
/// std::invalid_argument (a request that does not fit), one line each.
class CompilerLibrary {
public:
  virtual ~CompilerLibrary() = default;

  /// Lists algorithms: [{"name", "summary", "keys": [...], "as_published",
  /// "experience": "replay" or "rollouts", "plugin"}]; the last one is empty
  /// for Phlox's own.
  virtual nlohmann::ordered_json algorithms() const = 0;
  /// Adds the algorithms of a shared object, once.
  virtual void load_plugin(const std::string &path) const = 0;
  /// Returns the content hash that compiling the request would give.
  virtual std::string hash(const CompileRequest &request) const = 0;
  /// Compiles to a shared artifact, or an object, with its header beside it;
  /// returns the seconds of each phase.
  virtual std::vector<std::pair<std::string, double>>
  compile(const CompileRequest &request, const std::string &path,
          bool object) const = 0;
  /// Evaluates an entry point in f64. `ir` is an artifact's program; arguments
  /// are leaves and inputs by name. Returns leaves written and outputs.
  virtual std::vector<runtime::StoredTensor>
  interpret(std::span<const std::uint8_t> ir, const std::string &entry,
            std::span<const runtime::StoredTensor> arguments) const = 0;
  /// Cuts an entry point into single ops and compiles each into the artifact
  /// at `kernels`, as a variant of an artifact is.
  virtual EagerProgram eager(std::span<const std::uint8_t> ir,
                             const std::string &entry,
                             const std::string &variant,
                             const std::string &kernels) const = 0;
  /// Compiles a policy, `act`: (obs (O), step) -> action (A) in the task's
  /// units, with the leaves it reads, to STEM.so and STEM.o with STEM.h. In
  /// f32, whatever its program was compiled with: of one row there is little to
  /// gain.
  virtual void policy(std::span<const std::uint8_t> ir,
                      const PolicyRequest &request,
                      const std::string &stem) const = 0;
  /// Compiles one product, matmul(lhs (n, n), rhs (n, n)) -> result (n, n), to
  /// the artifact at `path`, for this machine.
  virtual void matmul(std::int64_t n, const std::string &precision,
                      const std::string &path) const = 0;
};

/// Returns the folder of Phlox's shared libraries.
std::filesystem::path library_folder();

/// Returns the compiler, loading it at the first call.
///
/// Errors:  std::runtime_error if the library is missing or does not load.
const CompilerLibrary &compiler_library();

/// The symbol that the library exports: const CompilerLibrary *(void).
inline constexpr const char *compiler_library_symbol = "phlox_compiler_library";

} // namespace phlox::tools
