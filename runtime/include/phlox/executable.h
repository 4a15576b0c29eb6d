/* The contract between compiled code and the runtime: the versioned table that
   an artifact returns from its query function, and the call that it receives.
   Plain C, no dependencies; a change of layout raises
   PHLOX_EXECUTABLE_VERSION. */
#ifndef PHLOX_EXECUTABLE_H
#define PHLOX_EXECUTABLE_H
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define PHLOX_EXECUTABLE_MAGIC 0x584f4c48504d5850ull
#define PHLOX_EXECUTABLE_VERSION 2u

/* Element types; safetensors' names in comments. */
typedef enum phlox_dtype {
  PHLOX_F32 = 1,  /* F32 */
  PHLOX_F64 = 2,  /* F64 */
  PHLOX_BF16 = 3, /* BF16 */
  PHLOX_I32 = 4,  /* I32 */
  PHLOX_U32 = 5,  /* U32 */
  PHLOX_I64 = 6,  /* I64 */
  PHLOX_U64 = 7,  /* U64 */
  PHLOX_BOOL = 8  /* BOOL, one byte, 0 or 1 */
} phlox_dtype;

/* Instruction sets that a variant needs, as bits. */
typedef enum phlox_isa {
  PHLOX_ISA_AVX2 = 1 << 0, /* AVX2, FMA, F16C, BMI1/2: x86-64-v3 */
  PHLOX_ISA_AVX512F = 1 << 1,
  PHLOX_ISA_AVX512BW = 1 << 2,
  PHLOX_ISA_AVX512CD = 1 << 3,
  PHLOX_ISA_AVX512DQ = 1 << 4,
  PHLOX_ISA_AVX512VL = 1 << 5, /* bits 0 to 5: x86-64-v4 */
  PHLOX_ISA_AMX_TILE = 1 << 6,
  PHLOX_ISA_AMX_BF16 = 1 << 7,
  PHLOX_ISA_AVX512BF16 = 1 << 8
} phlox_isa;

/* One named tensor: a state leaf, an input or an output of an entry point.
   Row-major, dense. */
typedef struct phlox_tensor {
  const char *name;
  uint32_t dtype; /* phlox_dtype */
  uint32_t rank;
  const int64_t *dims; /* rank extents */
  uint64_t bytes;
  uint64_t offset; /* leaf: bytes from the arena's start; else 0 */
} phlox_tensor;

struct phlox_call;

/* One task of a parallel region. `loops` holds the current indices of the
   enclosing scans, outermost first; `index` counts the region's tasks. */
typedef void phlox_task(const struct phlox_call *call, const int64_t *loops,
                        int64_t index);

/* Told of one task of one kernel, by artifacts that were compiled with records:
   `begin` and `end` are the core's time stamp counter, `kernel` the row of the
   table. Called on the thread that ran the task. */
typedef void phlox_record(void *recorder, uint32_t kernel, int64_t task,
                          uint64_t begin, uint64_t end);

/* What compiled code receives. All addresses outlive the call; arena and
   scratch are multiples of 64, inputs and outputs of their element's size. */
typedef struct phlox_call {
  void *arena;               /* state leaves at their offsets */
  void *scratch;             /* scratch_bytes of the entry point */
  const void *const *inputs; /* one address per input */
  void *const *outputs;      /* one address per output */
  /* Runs task(call, loops, i) for i in [0, count), in any order and on any
     thread, and returns when all are done. */
  void (*parallel_for)(const struct phlox_call *call, phlox_task *task,
                       const int64_t *loops, int64_t count);
  void *pool;           /* the runtime's own */
  phlox_record *record; /* null: nobody wants records */
  void *recorder;
} phlox_call;

typedef void phlox_entry_function(const phlox_call *call);

/* One entry point: a pure function of the state and its inputs. */
typedef struct phlox_entry_desc {
  const char *name;
  uint32_t input_count, output_count;
  const phlox_tensor *inputs, *outputs;
  uint32_t writes_state; /* 0: the arena is only read */
  uint32_t reserved;
  uint64_t flops; /* arithmetic of one call, multiply-add = 2 */
  uint64_t bytes; /* read and written by its kernels, one call */
} phlox_entry_desc;

/* The code of all entry points for one instruction set. */
typedef struct phlox_variant {
  const char *target; /* x86-64-v3, amx-bf16x3, ... */
  uint64_t isa;       /* phlox_isa bits that must be present */
  phlox_entry_function *const *entries; /* entry_count functions */
  const uint64_t *scratch_bytes;        /* entry_count sizes */
} phlox_variant;

/* One kernel of an entry point: a loop nest that runs as `tasks` tasks. */
typedef struct phlox_kernel {
  const char *name; /* what it computes, "matmul 256x23x256 add mish" */
  uint32_t entry;   /* row of its entry point */
  uint32_t step;    /* kernels of one step may run at the same time */
  uint64_t calls;   /* how often one call of the entry point runs it */
  uint64_t flops;   /* of all tasks, one run */
  uint64_t bytes;   /* read and written by all tasks, one run */
} phlox_kernel;

typedef struct phlox_executable_table {
  uint64_t magic;       /* PHLOX_EXECUTABLE_MAGIC */
  uint32_t version;     /* PHLOX_EXECUTABLE_VERSION */
  uint32_t table_bytes; /* sizeof(phlox_executable_table) */
  const char *program;  /* the algorithm's name */
  const char *options;  /* JSON: algorithm, env, config, precision, ... */
  const char *compiler; /* version of the compiler that wrote it */
  const char *hash;     /* 64 hex digits: IR, options, compiler */
  uint64_t arena_bytes;
  uint32_t leaf_count, entry_count, variant_count, kernel_count;
  const phlox_tensor *leaves;
  const phlox_entry_desc *entries;
  const phlox_variant *variants; /* best first */
  const uint8_t *ir;             /* MLIR bytecode, null when stripped */
  uint64_t ir_bytes;
  const phlox_kernel *kernels; /* of an artifact with records, else null */
  void *reserved_pointers[3];
} phlox_executable_table;

/* Exported by a shared artifact as PHLOX_QUERY_SYMBOL, and under the name in
   its header; returns null for a version that it cannot serve. */
typedef const phlox_executable_table *phlox_query_function(uint32_t version);
#define PHLOX_QUERY_SYMBOL "phlox_executable_query"

/* The last bytes of an artifact file, after the ELF image. */
typedef struct phlox_trailer {
  char magic[8];      /* "PHLOXEND" */
  uint32_t version;   /* PHLOX_EXECUTABLE_VERSION */
  uint32_t reserved;  /* 0 */
  uint64_t bytes;     /* size of the file without this trailer */
  uint8_t sha256[32]; /* of those bytes and of this trailer's first 24 */
} phlox_trailer;

#ifdef __cplusplus
static_assert(sizeof(phlox_trailer) == 56, "trailer layout");
static_assert(sizeof(phlox_call) == 64, "call layout");
static_assert(sizeof(phlox_tensor) == 40, "tensor layout");
static_assert(sizeof(phlox_entry_desc) == 56, "entry layout");
static_assert(sizeof(phlox_kernel) == 40, "kernel layout");
static_assert(sizeof(phlox_variant) == 32, "variant layout");
static_assert(sizeof(phlox_executable_table) == 144, "table layout");
}
#endif
#endif
