// Device, pinned and mapped memory: poisoned when new, guarded at the end, found out when used after it was freed.
#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { GUARD = 64, NEW = 0xCD, GUARD_BYTE = 0xFD };

typedef struct Block Block;
struct Block {
    bool live, pinned;
    CUcontext context;
    size_t bytes, mapped_bytes;
    char *memory;         // pinned: what the host sees
    CUdeviceptr address;  // what the device sees: a range the host cannot touch; 0 = not mapped
    Block *next;
};

static Block *blocks;  // all that ever were

static size_t whole_pages(size_t bytes) {
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (bytes + page - 1) / page * page;
}

static CUdeviceptr untouchable(size_t bytes) {
    void *range = mmap(NULL, whole_pages(bytes), PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    return range == MAP_FAILED ? 0 : (CUdeviceptr)(uintptr_t)range;
}

static CUresult allocate(size_t bytes, bool pinned, bool mapped, Block **made) {
    if (bytes == 0) return CUDA_ERROR_INVALID_VALUE;
    Block *block = calloc(1, sizeof *block);
    *block = (Block){.live = true, .pinned = pinned, .context = current(), .bytes = bytes, .next = blocks};
    block->mapped_bytes = whole_pages(bytes + GUARD);
    block->memory = mmap(NULL, block->mapped_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block->memory == MAP_FAILED) return CUDA_ERROR_OUT_OF_MEMORY;
    memset(block->memory, NEW, bytes);
    memset(block->memory + bytes, GUARD_BYTE, GUARD);
    if (mapped) block->address = untouchable(bytes);
    blocks = block;
    *(pinned ? &counters.host_allocations : &counters.device_allocations) += 1;
    *made = block;
    return CUDA_SUCCESS;
}

static void discard(Block *block) {
    for (int i = 0; i < GUARD; i++)
        if ((unsigned char)block->memory[block->bytes + (size_t)i] != GUARD_BYTE) {
            counters.overruns++;
            break;
        }
    // the range stays taken and unreadable: a host that still looks at it gets a segmentation fault
    mprotect(block->memory, block->mapped_bytes, PROT_NONE);
    madvise(block->memory, block->mapped_bytes, MADV_DONTNEED);
    block->live = false;
    *(block->pinned ? &counters.host_allocations : &counters.device_allocations) -= 1;
}

void free_memory_of(CUcontext context) {
    for (Block *b = blocks; b; b = b->next)
        if (b->live && b->context == context) {
            discard(b);
            counters.freed_with_context++;
        }
}

static Block *pinned_at(const void *host, size_t bytes) {
    for (Block *b = blocks; b; b = b->next)
        if (b->pinned && (const char *)host >= b->memory && (const char *)host + bytes <= b->memory + b->mapped_bytes)
            return b;
    return NULL;
}

// The bytes behind a device address, or NULL where the range is not all of one live block.
char *device_bytes(CUdeviceptr address, size_t bytes) {
    for (Block *b = blocks; b; b = b->next)
        if (b->live && b->address && address >= b->address && address + bytes <= b->address + b->bytes)
            return b->memory + (address - b->address);
    return NULL;
}

// Runs on the device thread.
CUresult copy(const Op *op) {
    char *device = device_bytes(op->device, op->bytes);
    Block *pinned = op->pageable ? NULL : pinned_at(op->host, op->bytes);
    if (!device || (!op->pageable && (!pinned || !pinned->live))) {
        counters.bad_accesses++;
        return CUDA_ERROR_ILLEGAL_ADDRESS;
    }
    if (op->to_device)
        memcpy(device, op->host, op->bytes);
    else
        memcpy(op->host, device, op->bytes);
    return CUDA_SUCCESS;
}

static CUresult start_copy(bool to_device, CUdeviceptr device, void *host, size_t bytes, CUstream stream, bool wait) {
    stream = usable(stream);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    Block *pinned = pinned_at(host, bytes);
    if (!device_bytes(device, bytes) || (pinned && (!pinned->live || (char *)host + bytes > pinned->memory + pinned->bytes))) {
        counters.bad_accesses++;
        return CUDA_ERROR_INVALID_VALUE;
    }
    Op op = {.kind = COPY, .to_device = to_device, .device = device, .host = host, .bytes = bytes};
    if (!pinned) {
        // A driver stages pageable memory before it returns, or waits. In a capture it may do neither: refused.
        op.pageable = true;
        if (!wait) counters.pageable_copies++;
        if (stream->capture) {
            stream->capture->invalid = true;
            return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
        wait = true;
    }
    CUresult code = enqueue(stream, op);
    return code == CUDA_SUCCESS && wait ? drain(stream, stream->enqueued) : code;
}

static CUresult alloc_device(CUdeviceptr *address, size_t bytes) {
    Block *block;
    CUresult code = allocate(bytes, false, true, &block);
    if (code == CUDA_SUCCESS) *address = block->address;
    return code;
}

static CUresult alloc_host(void **host, size_t bytes, unsigned flags) {
    Block *block;
    CUresult code = allocate(bytes, true, flags & 2 /* DEVICEMAP */, &block);
    if (code == CUDA_SUCCESS) *host = block->memory;
    return code;
}

// Freeing waits for all work, as the driver's does.
static CUresult free_device(CUdeviceptr address) {
    for (Block *b = blocks; b; b = b->next)
        if (b->live && !b->pinned && b->address == address) {
            drain_all(b->context);
            discard(b);
            return b->context->broken;
        }
    return CUDA_ERROR_INVALID_VALUE;
}

static CUresult free_host(void *host) {
    Block *block = pinned_at(host, 1);
    if (!block || !block->live || block->memory != host) return CUDA_ERROR_INVALID_VALUE;
    drain_all(block->context);
    discard(block);
    return block->context->broken;
}

// Mapped memory has another address on the device here, so that mixing the two up shows.
static CUresult mapped_address(CUdeviceptr *address, void *host) {
    Block *block = pinned_at(host, 1);
    if (!block || !block->live || !block->address) return CUDA_ERROR_INVALID_VALUE;
    *address = block->address + (CUdeviceptr)((char *)host - block->memory);
    return CUDA_SUCCESS;
}

static CUresult memory_left(size_t *left, size_t *total) {
    *left = *total = 1 << 30;
    for (Block *b = blocks; b; b = b->next)
        if (b->live && !b->pinned) *left -= b->bytes;
    return CUDA_SUCCESS;
}

// A broken context still frees: the driver takes the memory back and returns the error again.
enum { ALLOC = IN_CONTEXT | UNSAFE_IN_CAPTURE, FREE = IN_CONTEXT | UNSAFE_IN_CAPTURE | AFTER_ERROR };

API cuMemAlloc_v2(CUdeviceptr *address, size_t bytes) { return CALL(ALLOC, alloc_device(address, bytes)); }
API cuMemGetInfo_v2(size_t *left, size_t *total) { return CALL(IN_CONTEXT, memory_left(left, total)); }
API cuMemFree_v2(CUdeviceptr address) { return CALL(FREE, free_device(address)); }
API cuMemHostAlloc(void **host, size_t bytes, unsigned flags) { return CALL(ALLOC, alloc_host(host, bytes, flags)); }
API cuMemFreeHost(void *host) { return CALL(FREE, free_host(host)); }
API cuMemHostGetDevicePointer_v2(CUdeviceptr *address, void *host, unsigned flags) {
    return CALL(IN_CONTEXT, flags ? CUDA_ERROR_INVALID_VALUE : mapped_address(address, host));
}
API cuMemcpyHtoDAsync_v2(CUdeviceptr to, const void *from, size_t bytes, CUstream stream) {
    return CALL(IN_CONTEXT, start_copy(true, to, (void *)from, bytes, stream, false));
}
API cuMemcpyDtoHAsync_v2(void *to, CUdeviceptr from, size_t bytes, CUstream stream) {
    return CALL(IN_CONTEXT, start_copy(false, from, to, bytes, stream, false));
}
API cuMemcpyHtoD_v2(CUdeviceptr to, const void *from, size_t bytes) {
    return CALL(IN_CONTEXT, start_copy(true, to, (void *)from, bytes, NULL, true));
}
API cuMemcpyDtoH_v2(void *to, CUdeviceptr from, size_t bytes) {
    return CALL(IN_CONTEXT, start_copy(false, from, to, bytes, NULL, true));
}

// For a kernel's code: the bytes behind a device address, NULL where the range is not all of one allocation.
__attribute__((visibility("default"))) void *sim_device_bytes(CUdeviceptr address, size_t bytes) {
    pthread_mutex_lock(&lock);
    char *memory = device_bytes(address, bytes);
    if (!memory) counters.bad_accesses++;
    pthread_mutex_unlock(&lock);
    return memory;
}
