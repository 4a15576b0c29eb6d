/* The runtime's C ABI: loads artifacts and runs their entry points.
   No function throws, allocates while an entry point runs, or prints. */
#ifndef PHLOX_RUNTIME_H
#define PHLOX_RUNTIME_H
#include "phlox/executable.h"
#include <stddef.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(PHLOX_RUNTIME_BUILD)
#define PHLOX_API __attribute__((visibility("default")))
#else
#define PHLOX_API
#endif

typedef enum phlox_code {
  PHLOX_INVALID_ARGUMENT = 1, /* the caller's request does not fit the table */
  PHLOX_NOT_FOUND = 2,        /* no such file, entry point or leaf */
  PHLOX_CORRUPT = 3,          /* cut short, flipped byte, wrong version */
  PHLOX_UNSUPPORTED = 4,      /* this machine lacks an instruction set */
  PHLOX_SYSTEM = 5            /* the operating system refused */
} phlox_code;

typedef struct phlox_status phlox_status; /* null means success */
typedef struct phlox_executable phlox_executable;
typedef struct phlox_pool phlox_pool;
typedef struct phlox_state phlox_state;
typedef struct phlox_entry phlox_entry;

/// Returns the code of a status that is not null.
PHLOX_API phlox_code phlox_status_code(const phlox_status *status);
/// Returns one line: what was required, then what was got.
PHLOX_API const char *phlox_status_message(const phlox_status *status);
/// Returns where in the runtime it arose, "runtime/entry.cpp:41", or "".
PHLOX_API const char *phlox_status_source(const phlox_status *status);
/// Frees a status; null is allowed.
PHLOX_API void phlox_status_free(phlox_status *status);

/// Returns the runtime's version, "major.minor.patch".
PHLOX_API const char *phlox_runtime_version(void);
/// Returns the phlox_isa bits that this machine and its system offer.
///
/// The environment variable PHLOX_MAX_ISA (x86-64, x86-64-v3, x86-64-v4,
/// avx512-bf16 or amx) hides what lies beyond it, so that every variant can be
/// tried anywhere.
PHLOX_API uint64_t phlox_isa_available(void);

/// Loads an artifact file after checking trailer, hash, table and ISA bits.
///
/// The code runs from a copy in memory: the file may be replaced meanwhile.
///
/// Errors:  NOT_FOUND, CORRUPT, UNSUPPORTED, SYSTEM, with the path;
///          INVALID_ARGUMENT for an unknown PHLOX_MAX_ISA.
PHLOX_API phlox_status *phlox_executable_load(const char *path,
                                              phlox_executable **out);
/// Wraps a statically linked artifact; its table is checked like a file's.
///
/// Errors:  CORRUPT, UNSUPPORTED, INVALID_ARGUMENT, as above.
PHLOX_API phlox_status *phlox_executable_wrap(phlox_query_function *query,
                                              phlox_executable **out);
PHLOX_API const phlox_executable_table *
phlox_executable_table_of(const phlox_executable *executable);
/// Unloads; every state and entry made from it must be freed before.
PHLOX_API void phlox_executable_free(phlox_executable *executable);

/// Starts a thread pool; threads = 0 takes what affinity and cgroup allow.
/// The calling thread of a run is one of them: threads = 1 starts none.
///
/// Errors:  INVALID_ARGUMENT below 0 or above 4096, SYSTEM.
PHLOX_API phlox_status *phlox_pool_create(int threads, phlox_pool **out);
PHLOX_API int phlox_pool_threads(const phlox_pool *pool);
PHLOX_API void phlox_pool_free(phlox_pool *pool);

/// Allocates a zeroed arena for the state leaves of an executable.
///
/// Units:   the address is a multiple of 4096.
/// Errors:  SYSTEM if memory does not suffice.
PHLOX_API phlox_status *phlox_state_create(const phlox_executable *executable,
                                           phlox_state **out);
/// Returns the arena (table arena_bytes long).
PHLOX_API void *phlox_state_arena(phlox_state *state);
/// Finds a leaf: its description and its address inside the arena; either
/// destination may be null.
///
/// Errors:  NOT_FOUND with the name.
PHLOX_API phlox_status *phlox_state_leaf(phlox_state *state, const char *name,
                                         const phlox_tensor **desc,
                                         void **address);
/// Writes all leaves as safetensors: a temporary file, synced, then renamed.
///
/// Errors:  NOT_FOUND (no such folder) or SYSTEM (disk full, no permission),
///          with the path; an older file is intact, no temporary one is left.
PHLOX_API phlox_status *phlox_state_save(const phlox_state *state,
                                         const char *path);
/// Reads all leaves; on any mismatch the state stays as it was.
///
/// Errors:  NOT_FOUND, SYSTEM; CORRUPT for a damaged file; INVALID_ARGUMENT
///          for one with other leaves, naming the leaf and both types.
PHLOX_API phlox_status *phlox_state_load(phlox_state *state, const char *path);
PHLOX_API void phlox_state_free(phlox_state *state);

/// Checks a file's SHA-256, 64 hexadecimal digits in lower case.
///
/// Errors:  NOT_FOUND, SYSTEM; CORRUPT for another sum, with the path and both.
PHLOX_API phlox_status *phlox_file_verify(const char *path, const char *sha256);

typedef struct phlox_buffer {
  void *data;
  uint64_t bytes;
} phlox_buffer;

/// Prepares an entry point for running on a pool; it owns its scratch memory.
/// Without a pool (null) it runs on the calling thread alone.
///
/// Errors:  NOT_FOUND with the names that exist; SYSTEM.
/// Threads: one call per phlox_entry at a time, one run per pool at a time;
///          make another of each for another thread.
PHLOX_API phlox_status *phlox_entry_create(const phlox_executable *executable,
                                           const char *name, phlox_pool *pool,
                                           phlox_entry **out);
PHLOX_API const phlox_entry_desc *phlox_entry_table(const phlox_entry *entry);
/// Runs one entry point: updates the state in place and writes the outputs.
///
/// Shapes:  inputs and outputs match the entry point's table row by row.
/// Units:   buffer sizes in bytes; addresses are multiples of the element size.
/// Errors:  null, or INVALID_ARGUMENT (table mismatch, a state of another
///          executable, entry or pool in use; state untouched).
/// Threads: one call per state at a time, unless the entry only reads it.
PHLOX_API phlox_status *phlox_entry_run(phlox_entry *entry, phlox_state *state,
                                        const phlox_buffer *inputs,
                                        size_t input_count,
                                        const phlox_buffer *outputs,
                                        size_t output_count);
/// Has every kernel of the entry point's runs reported to `record`, from the
/// thread that ran it; null ends that.
///
/// Errors:  UNSUPPORTED for an artifact that was compiled without records.
/// Threads: not during a run.
PHLOX_API phlox_status *
phlox_entry_record(phlox_entry *entry, phlox_record *record, void *recorder);
PHLOX_API void phlox_entry_free(phlox_entry *entry);

#ifdef __cplusplus
}
#endif
#endif
