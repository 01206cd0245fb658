// A CUDA driver with no GPU: what every file of the simulator shares.
//
// Device memory is host memory behind addresses the host cannot touch. A stream is a queue that ONE device
// thread works off, and only when somebody waits for it: what was not synchronised has not happened yet.
// Source of names, codes and rules: CUDA Driver API reference, "Stream Management", "Graph Management",
// "Context Management", "Primary Context Management".
#pragma once
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef int CUresult;
typedef int CUdevice;
typedef unsigned long long CUdeviceptr;
typedef struct Context *CUcontext;
typedef struct Stream *CUstream;
typedef struct Event *CUevent;
typedef struct Graph *CUgraph, *CUgraphExec;

enum {
    CUDA_SUCCESS = 0,
    CUDA_ERROR_INVALID_VALUE = 1,
    CUDA_ERROR_OUT_OF_MEMORY = 2,
    CUDA_ERROR_NOT_INITIALIZED = 3,
    CUDA_ERROR_NO_DEVICE = 100,
    CUDA_ERROR_INVALID_DEVICE = 101,
    CUDA_ERROR_INVALID_CONTEXT = 201,
    CUDA_ERROR_INVALID_HANDLE = 400,
    CUDA_ERROR_ILLEGAL_STATE = 401,
    CUDA_ERROR_NOT_READY = 600,
    CUDA_ERROR_ILLEGAL_ADDRESS = 700,
    CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE = 708,
    CUDA_ERROR_CONTEXT_IS_DESTROYED = 709,
    CUDA_ERROR_LAUNCH_FAILED = 719,
    CUDA_ERROR_NOT_PERMITTED = 800,
    CUDA_ERROR_NOT_SUPPORTED = 801,
    CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED = 900,
    CUDA_ERROR_STREAM_CAPTURE_INVALIDATED = 901,
    CUDA_ERROR_STREAM_CAPTURE_ISOLATION = 905,
    CUDA_ERROR_STREAM_CAPTURE_IMPLICIT = 906,
    CUDA_ERROR_CAPTURED_EVENT = 907,
    CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD = 908,
};

enum { CAPTURE_GLOBAL, CAPTURE_THREAD_LOCAL, CAPTURE_RELAXED };
enum { LIVE = 0x51D0, DEAD = 0xDEAD };

typedef struct Op Op;
struct Op {
    enum { COPY, LAUNCH, RECORD, WAIT, GRAPH } kind;
    Op *next;
    // COPY: an address is looked up again when the copy runs, so that memory freed meanwhile is found out
    bool to_device;
    CUdeviceptr device;
    void *host;      // pinned, or a staged copy of pageable memory
    size_t bytes;
    bool pageable;
    int (*run)(void *);  // LAUNCH: 0, or 1 = the kernel failed
    void *user;
    CUevent event;   // RECORD
    CUstream other;  // WAIT: until `other` has done `seq` operations
    uint64_t seq;
    CUgraph graph;   // GRAPH
};

struct Context {
    int live;
    unsigned flags;
    CUresult broken;  // a sticky error: every later call of this context returns it
    CUstream legacy;  // the default stream
    struct Context *next;
};

struct Stream {
    int live;
    CUcontext context;
    bool non_blocking;
    struct Capture *capture;
    Op *head, *tail;
    uint64_t enqueued, target, done;
    struct Stream *next;
};

struct Event {
    int live;
    CUcontext context;
    bool timing, blocking, captured;
    CUstream stream;  // of the last record, NULL before it
    uint64_t seq;
    double ms;
    struct Event *next;
};

struct Graph {
    int live;
    bool executable;
    CUcontext context;
    Op *nodes;
    struct Graph *next;
};

typedef struct Capture {
    int mode;
    pthread_t thread;
    bool invalid;
    CUstream origin;
    Op *nodes, *last;
    struct Capture *next;
} Capture;

// what is alive and what went wrong, told by sim_report()
typedef struct Counters {
    long contexts, pushed, streams, events, device_allocations, host_allocations, graphs, graph_execs;
    long freed_with_context, pageable_copies, bad_accesses, overruns, launches, graph_launches;
} Counters;

extern pthread_mutex_t lock;
extern Counters counters;
extern CUcontext contexts;
extern Capture *captures;

// rules.c: checks at the door of every call
enum { BEFORE_INIT = 1, IN_CONTEXT = 2, UNSAFE_IN_CAPTURE = 4, AFTER_ERROR = 8 };
CUresult enter(const char *function, int rules);
CUresult injected(const char *function);
bool sticky(CUresult code);
void break_context(CUcontext context, CUresult code);
void set_initialised(void);
extern __thread bool in_kernel;

#define API __attribute__((visibility("default"))) CUresult
#define CALL(rules, body)                          \
    ({                                             \
        CUresult code_ = enter(__func__, (rules)); \
        if (code_ == CUDA_SUCCESS) code_ = (body); \
        pthread_mutex_unlock(&lock);               \
        code_;                                     \
    })

// context.c
CUcontext current(void);

// memory.c
char *device_bytes(CUdeviceptr address, size_t bytes);
CUresult copy(const Op *op);
void free_memory_of(CUcontext context);

// stream.c
CUresult enqueue(CUstream stream, Op op);
CUresult drain(CUstream stream, uint64_t seq);
CUresult drain_all(CUcontext context);
CUstream usable(CUstream stream);
CUstream new_stream(CUcontext context, bool non_blocking);
void free_streams_of(CUcontext context);

// graph.c
void drop_capture(CUstream stream);
void free_graphs_of(CUcontext context);
