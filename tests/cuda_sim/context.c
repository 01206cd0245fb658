// One device, its primary context with a count of owners, and each thread's stack of current contexts.
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH = 32, TOTAL_MEMORY = 1 << 30 };

CUcontext contexts;  // all that ever were: a handle of a destroyed one stays recognisable

static __thread CUcontext stack[DEPTH];
static __thread int depth;
static CUcontext primary;
static int owners;
static unsigned primary_flags;

CUcontext current(void) { return depth ? stack[depth - 1] : NULL; }

static int setting(const char *name, int otherwise) {
    const char *text = getenv(name);
    return text ? atoi(text) : otherwise;
}

static int devices(void) { return setting("CUDA_SIM_DEVICES", 1); }

static CUresult check(CUdevice device) {
    return device >= 0 && device < devices() ? CUDA_SUCCESS : CUDA_ERROR_INVALID_DEVICE;
}

static CUcontext create(unsigned flags) {
    CUcontext context = calloc(1, sizeof *context);
    context->live = LIVE;
    context->flags = flags;
    context->next = contexts;
    contexts = context;
    context->legacy = new_stream(context, false);
    counters.contexts++;
    return context;
}

static void destroy(CUcontext context) {
    free_streams_of(context);
    free_graphs_of(context);
    free_memory_of(context);
    context->live = DEAD;
    counters.contexts--;
}

static CUresult push(CUcontext context) {
    if (!context) return CUDA_ERROR_INVALID_CONTEXT;
    if (depth == DEPTH) abort();
    stack[depth++] = context;
    counters.pushed++;
    return CUDA_SUCCESS;
}

static CUresult pop(CUcontext *context) {
    if (!depth) return CUDA_ERROR_INVALID_CONTEXT;
    CUcontext top = stack[--depth];
    counters.pushed--;
    if (context) *context = top;
    return CUDA_SUCCESS;
}

static CUresult retain(CUcontext *context, CUdevice device) {
    CUresult bad = check(device);
    if (bad) return bad;
    if (owners++ == 0) primary = create(primary_flags);
    *context = primary;
    return CUDA_SUCCESS;
}

// Takes no context off any stack, unlike cuCtxDestroy.
static CUresult release(CUdevice device) {
    CUresult bad = check(device);
    if (bad) return bad;
    if (owners == 0) return CUDA_ERROR_INVALID_CONTEXT;
    if (--owners == 0) destroy(primary);
    return CUDA_SUCCESS;
}

static CUresult set_flags(CUdevice device, unsigned flags) {
    CUresult bad = check(device);
    if (bad) return bad;
    if (flags & ~0x57u) return CUDA_ERROR_INVALID_VALUE;
    if (owners && flags != primary_flags) return CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE;
    primary_flags = flags;
    return CUDA_SUCCESS;
}

static CUresult attribute(int *value, int which, CUdevice device) {
    switch (which) {
        case 16: *value = 8; break;                                     // MULTIPROCESSOR_COUNT
        case 18: *value = setting("CUDA_SIM_INTEGRATED", 1); break;     // INTEGRATED
        case 19: *value = setting("CUDA_SIM_MAP_HOST", 1); break;       // CAN_MAP_HOST_MEMORY
        case 75: *value = 8; break;                                     // COMPUTE_CAPABILITY_MAJOR
        case 76: *value = 7; break;                                     // COMPUTE_CAPABILITY_MINOR
        default: *value = 0;
    }
    return check(device);
}

static CUresult initialise(void) {
    if (devices() < 1) return CUDA_ERROR_NO_DEVICE;
    set_initialised();
    return CUDA_SUCCESS;
}

static CUresult name_of(char *name, int length, CUdevice device) {
    snprintf(name, (size_t)length, "Simulated GPU");
    return check(device);
}

static CUresult create_and_push(CUcontext *context, unsigned flags, CUdevice device) {
    CUresult bad = check(device);
    if (bad) return bad;
    *context = create(flags);
    return push(*context);
}

static CUresult destroy_given(CUcontext context) {
    if (!context || context->live != LIVE || context == primary) return CUDA_ERROR_INVALID_CONTEXT;
    if (current() == context) pop(NULL);
    destroy(context);
    return CUDA_SUCCESS;
}

static CUresult set_current(CUcontext context) {
    if (depth) pop(NULL);
    return context ? push(context) : CUDA_SUCCESS;
}

#define SET(pointer, value) (*(pointer) = (value), CUDA_SUCCESS)

API cuInit(unsigned flags) { return CALL(BEFORE_INIT, flags ? CUDA_ERROR_INVALID_VALUE : initialise()); }
API cuDriverGetVersion(int *version) { return CALL(BEFORE_INIT, SET(version, setting("CUDA_SIM_VERSION", 12060))); }
API cuDeviceGetCount(int *count) { return CALL(0, SET(count, devices())); }
API cuDeviceGet(CUdevice *device, int ordinal) { return CALL(0, (*device = ordinal, check(ordinal))); }
API cuDeviceGetName(char *name, int length, CUdevice device) { return CALL(0, name_of(name, length, device)); }
API cuDeviceComputeCapability(int *major, int *minor, CUdevice device) {
    return CALL(0, (*major = 8, *minor = 7, check(device)));
}
API cuDeviceTotalMem_v2(size_t *bytes, CUdevice device) { return CALL(0, (*bytes = TOTAL_MEMORY, check(device))); }
API cuDeviceGetAttribute(int *value, int which, CUdevice device) { return CALL(0, attribute(value, which, device)); }
API cuDevicePrimaryCtxRetain(CUcontext *context, CUdevice device) { return CALL(0, retain(context, device)); }
API cuDevicePrimaryCtxRelease_v2(CUdevice device) { return CALL(0, release(device)); }
API cuDevicePrimaryCtxSetFlags_v2(CUdevice device, unsigned flags) { return CALL(0, set_flags(device, flags)); }
API cuCtxPushCurrent_v2(CUcontext context) { return CALL(0, push(context)); }
API cuCtxPopCurrent_v2(CUcontext *context) { return CALL(0, pop(context)); }
API cuCtxGetCurrent(CUcontext *context) { return CALL(0, SET(context, current())); }
API cuCtxSetCurrent(CUcontext context) { return CALL(0, set_current(context)); }
API cuCtxGetDevice(CUdevice *device) { return CALL(IN_CONTEXT | AFTER_ERROR, SET(device, 0)); }
API cuCtxSynchronize(void) { return CALL(IN_CONTEXT | UNSAFE_IN_CAPTURE, drain_all(current())); }
API cuCtxCreate_v2(CUcontext *context, unsigned flags, CUdevice device) {
    return CALL(0, create_and_push(context, flags, device));
}
API cuCtxCreate_v4(CUcontext *context, void *parameters, unsigned flags, CUdevice device) {
    (void)parameters;
    return CALL(0, create_and_push(context, flags, device));
}
API cuCtxDestroy_v2(CUcontext context) { return CALL(0, destroy_given(context)); }
API cuCtxDetach(CUcontext context) { return CALL(0, destroy_given(context)); }

static const struct {
    CUresult code;
    const char *name, *text;
} errors[] = {
    {CUDA_SUCCESS, "CUDA_SUCCESS", "no error"},
    {CUDA_ERROR_INVALID_VALUE, "CUDA_ERROR_INVALID_VALUE", "invalid argument"},
    {CUDA_ERROR_OUT_OF_MEMORY, "CUDA_ERROR_OUT_OF_MEMORY", "out of memory"},
    {CUDA_ERROR_NOT_INITIALIZED, "CUDA_ERROR_NOT_INITIALIZED", "initialization error"},
    {CUDA_ERROR_NO_DEVICE, "CUDA_ERROR_NO_DEVICE", "no CUDA-capable device is detected"},
    {CUDA_ERROR_INVALID_DEVICE, "CUDA_ERROR_INVALID_DEVICE", "invalid device ordinal"},
    {CUDA_ERROR_INVALID_CONTEXT, "CUDA_ERROR_INVALID_CONTEXT", "invalid device context"},
    {CUDA_ERROR_INVALID_HANDLE, "CUDA_ERROR_INVALID_HANDLE", "invalid resource handle"},
    {CUDA_ERROR_ILLEGAL_STATE, "CUDA_ERROR_ILLEGAL_STATE",
     "the operation cannot be performed in the present state"},
    {CUDA_ERROR_NOT_READY, "CUDA_ERROR_NOT_READY", "device not ready"},
    {CUDA_ERROR_ILLEGAL_ADDRESS, "CUDA_ERROR_ILLEGAL_ADDRESS", "an illegal memory access was encountered"},
    {702, "CUDA_ERROR_LAUNCH_TIMEOUT", "the launch timed out and was terminated"},
    {CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE, "CUDA_ERROR_PRIMARY_CONTEXT_ACTIVE",
     "cannot set while device is active in this process"},
    {CUDA_ERROR_CONTEXT_IS_DESTROYED, "CUDA_ERROR_CONTEXT_IS_DESTROYED", "context is destroyed"},
    {CUDA_ERROR_LAUNCH_FAILED, "CUDA_ERROR_LAUNCH_FAILED", "unspecified launch failure"},
    {CUDA_ERROR_NOT_PERMITTED, "CUDA_ERROR_NOT_PERMITTED", "operation not permitted"},
    {CUDA_ERROR_NOT_SUPPORTED, "CUDA_ERROR_NOT_SUPPORTED", "operation not supported"},
    {CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED, "CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED",
     "operation not permitted when stream is capturing"},
    {CUDA_ERROR_STREAM_CAPTURE_INVALIDATED, "CUDA_ERROR_STREAM_CAPTURE_INVALIDATED",
     "operation failed due to a previous error during capture"},
    {CUDA_ERROR_STREAM_CAPTURE_ISOLATION, "CUDA_ERROR_STREAM_CAPTURE_ISOLATION",
     "dependency created on uncaptured work in another stream"},
    {CUDA_ERROR_STREAM_CAPTURE_IMPLICIT, "CUDA_ERROR_STREAM_CAPTURE_IMPLICIT",
     "operation would make the legacy stream depend on a capturing blocking stream"},
    {CUDA_ERROR_CAPTURED_EVENT, "CUDA_ERROR_CAPTURED_EVENT",
     "operation not permitted on an event last recorded in a capturing stream"},
    {CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD, "CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD",
     "attempt to terminate a thread-local capture sequence from another thread"},
};

static CUresult describe(CUresult code, const char **text, bool name) {
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++)
        if (errors[i].code == code) {
            *text = name ? errors[i].name : errors[i].text;
            return CUDA_SUCCESS;
        }
    *text = "unrecognized error code";
    return CUDA_ERROR_INVALID_VALUE;
}

API cuGetErrorString(CUresult code, const char **text) { return describe(code, text, false); }
API cuGetErrorName(CUresult code, const char **text) { return describe(code, text, true); }
