// Streams as ordered queues, events, and the one device thread that works on them when somebody waits.
#include "sim.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

static pthread_cond_t expected = PTHREAD_COND_INITIALIZER, progress = PTHREAD_COND_INITIALIZER;
static CUstream streams;  // all that ever were
static CUevent events;
static bool device_thread_runs;

static double now_ms(void) {
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec * 1e-6;
}

static void step(CUstream stream);

static CUresult run(const Op *op) {
    CUresult code;
    switch (op->kind) {
        case COPY:
            code = injected("run:copy");
            return code ? code : copy(op);
        case LAUNCH:
            if ((code = injected("run:launch"))) return code;
            counters.launches++;
            pthread_mutex_unlock(&lock);
            in_kernel = true;
            int failed = op->run(op->user);
            in_kernel = false;
            pthread_mutex_lock(&lock);
            return failed ? CUDA_ERROR_LAUNCH_FAILED : CUDA_SUCCESS;
        case RECORD:
            op->event->ms = now_ms();
            return CUDA_SUCCESS;
        case WAIT:
            while (op->other->done < op->seq) step(op->other);
            return CUDA_SUCCESS;
        case GRAPH:
            counters.graph_launches++;
            for (const Op *node = op->graph->nodes; node; node = node->next)
                if ((code = run(node))) return code;
            return CUDA_SUCCESS;
    }
    return CUDA_SUCCESS;
}

// Run the first operation of a queue; in a broken context drop it.
static void step(CUstream stream) {
    Op *op = stream->head;
    if (!stream->context->broken) {
        CUresult code = run(op);
        if (code) break_context(stream->context, code);
    }
    stream->head = op->next;
    if (!stream->head) stream->tail = NULL;
    free(op);
    stream->done++;
    pthread_cond_broadcast(&progress);
}

static void *device_thread(void *unused) {
    (void)unused;
    pthread_mutex_lock(&lock);
    for (;;) {
        CUstream s = streams;
        while (s && s->done >= s->target) s = s->next;
        if (s)
            step(s);
        else
            pthread_cond_wait(&expected, &lock);
    }
    return NULL;
}

static void want(CUstream stream, uint64_t seq) {
    if (!device_thread_runs) {
        pthread_t thread;
        if (pthread_create(&thread, NULL, device_thread, NULL)) abort();
        pthread_detach(thread);
        device_thread_runs = true;
    }
    if (stream->target < seq) stream->target = seq;
    pthread_cond_signal(&expected);
}

// Wait until `stream` has done `seq` operations.
CUresult drain(CUstream stream, uint64_t seq) {
    if (stream->done < seq) want(stream, seq);
    while (stream->done < seq) pthread_cond_wait(&progress, &lock);
    return stream->context->broken;
}

CUresult drain_all(CUcontext context) {
    for (CUstream s = streams; s; s = s->next)
        if (s->context == context && s->live == LIVE) drain(s, s->enqueued);
    return context->broken;
}

// The stream a call means, or NULL where the handle is no live stream of the current context.
CUstream usable(CUstream stream) {
    if (!stream) return current()->legacy;
    for (CUstream s = streams; s; s = s->next)
        if (s == stream) return s->live == LIVE && s->context == current() ? s : NULL;
    return NULL;
}

static void append(CUstream stream, Op op) {
    Op *made = malloc(sizeof op);
    *made = op;
    made->next = NULL;
    if (stream->tail)
        stream->tail->next = made;
    else
        stream->head = made;
    stream->tail = made;
    stream->enqueued++;
}

static CUresult capture_op(Capture *capture, Op op) {
    if (capture->invalid) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    Op *made = malloc(sizeof op);
    *made = op;
    made->next = NULL;
    if (capture->last)
        capture->last->next = made;
    else
        capture->nodes = made;
    capture->last = made;
    return CUDA_SUCCESS;
}

// The default stream waits for every blocking stream, and each of them for it.
CUresult enqueue(CUstream stream, Op op) {
    if (stream->capture) return capture_op(stream->capture, op);
    CUstream legacy = stream->context->legacy;
    if (stream == legacy) {
        for (CUstream s = streams; s; s = s->next) {
            if (s == legacy || s->context != stream->context || s->live != LIVE || s->non_blocking) continue;
            if (s->capture) {
                s->capture->invalid = true;
                return CUDA_ERROR_STREAM_CAPTURE_IMPLICIT;
            }
            append(legacy, (Op){.kind = WAIT, .other = s, .seq = s->enqueued});
        }
    } else if (!stream->non_blocking && legacy->done < legacy->enqueued) {
        append(stream, (Op){.kind = WAIT, .other = legacy, .seq = legacy->enqueued});
    }
    append(stream, op);
    return CUDA_SUCCESS;
}

CUstream new_stream(CUcontext context, bool non_blocking) {
    CUstream stream = calloc(1, sizeof *stream);
    stream->live = LIVE;
    stream->context = context;
    stream->non_blocking = non_blocking;
    stream->next = streams;
    streams = stream;
    return stream;
}

void free_streams_of(CUcontext context) {
    drain_all(context);
    for (CUstream s = streams; s; s = s->next)
        if (s->context == context && s->live == LIVE) {
            if (s->capture) drop_capture(s);
            s->live = DEAD;
            if (s == context->legacy) continue;
            counters.streams--;
            counters.freed_with_context++;
        }
    for (CUevent e = events; e; e = e->next)
        if (e->context == context && e->live == LIVE) {
            e->live = DEAD;
            counters.events--;
            counters.freed_with_context++;
        }
}

static CUresult create_stream(CUstream *stream, unsigned flags) {
    if (flags > 1) return CUDA_ERROR_INVALID_VALUE;
    *stream = new_stream(current(), flags == 1);
    counters.streams++;
    return CUDA_SUCCESS;
}

static CUresult destroy_stream(CUstream stream) {
    stream = stream ? usable(stream) : NULL;
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    drain(stream, stream->enqueued);
    if (stream->capture) drop_capture(stream);
    stream->live = DEAD;
    counters.streams--;
    return stream->context->broken;
}

static CUresult sync_stream(CUstream stream, bool wait) {
    stream = usable(stream);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture) {
        stream->capture->invalid = true;
        return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
    }
    if (wait) return drain(stream, stream->enqueued);
    want(stream, stream->enqueued);
    return stream->done < stream->enqueued ? CUDA_ERROR_NOT_READY : stream->context->broken;
}

static bool good(CUevent event) { return event && event->live == LIVE && event->context == current(); }

static CUresult create_event(CUevent *event, unsigned flags) {
    *event = calloc(1, sizeof **event);
    **event = (struct Event){.live = LIVE, .context = current(), .timing = !(flags & 2), .blocking = flags & 1, .next = events};
    events = *event;
    counters.events++;
    return CUDA_SUCCESS;
}

static CUresult destroy_event(CUevent event) {
    if (!good(event)) return CUDA_ERROR_INVALID_HANDLE;
    event->live = DEAD;
    counters.events--;
    return event->context->broken;
}

static CUresult record(CUevent event, CUstream stream) {
    stream = usable(stream);
    if (!good(event) || !stream) return CUDA_ERROR_INVALID_HANDLE;
    event->captured = stream->capture != NULL;
    if (event->captured) return stream->capture->invalid ? CUDA_ERROR_STREAM_CAPTURE_INVALIDATED : CUDA_SUCCESS;
    CUresult code = enqueue(stream, (Op){.kind = RECORD, .event = event});
    event->stream = stream;
    event->seq = stream->enqueued;
    return code;
}

static CUresult sync_event(CUevent event, bool wait) {
    if (!good(event)) return CUDA_ERROR_INVALID_HANDLE;
    if (event->captured) return CUDA_ERROR_CAPTURED_EVENT;
    if (!event->stream) return CUDA_SUCCESS;
    if (wait) {
        injected(event->blocking ? "wait:sleeping" : "wait:spinning");  // counted, for tests
        return drain(event->stream, event->seq);
    }
    want(event->stream, event->seq);
    return event->stream->done < event->seq ? CUDA_ERROR_NOT_READY : event->context->broken;
}

static CUresult elapsed(float *ms, CUevent start, CUevent end) {
    if (!good(start) || !good(end) || !start->timing || !end->timing || !start->stream || !end->stream)
        return CUDA_ERROR_INVALID_HANDLE;
    if (start->captured || end->captured) return CUDA_ERROR_CAPTURED_EVENT;
    if (start->stream->done < start->seq || end->stream->done < end->seq) return CUDA_ERROR_NOT_READY;
    *ms = (float)(end->ms - start->ms);
    return CUDA_SUCCESS;
}

static CUresult wait_event(CUstream stream, CUevent event) {
    stream = usable(stream);
    if (!stream || !good(event)) return CUDA_ERROR_INVALID_HANDLE;
    if (stream->capture) return event->captured ? CUDA_SUCCESS : CUDA_ERROR_STREAM_CAPTURE_ISOLATION;
    if (event->captured) return CUDA_ERROR_NOT_SUPPORTED;  // a fork of a capture into another stream
    if (!event->stream) return CUDA_SUCCESS;
    return enqueue(stream, (Op){.kind = WAIT, .other = event->stream, .seq = event->seq});
}

static CUresult launch(CUstream stream, int (*kernel)(void *), void *user) {
    stream = usable(stream);
    if (!stream || !kernel) return CUDA_ERROR_INVALID_HANDLE;
    return enqueue(stream, (Op){.kind = LAUNCH, .run = kernel, .user = user});
}

API cuStreamCreate(CUstream *stream, unsigned flags) { return CALL(IN_CONTEXT, create_stream(stream, flags)); }
API cuStreamDestroy_v2(CUstream stream) { return CALL(IN_CONTEXT | AFTER_ERROR, destroy_stream(stream)); }
API cuStreamSynchronize(CUstream stream) { return CALL(IN_CONTEXT, sync_stream(stream, true)); }
API cuStreamQuery(CUstream stream) { return CALL(IN_CONTEXT, sync_stream(stream, false)); }
API cuStreamWaitEvent(CUstream stream, CUevent event, unsigned flags) {
    (void)flags;
    return CALL(IN_CONTEXT, wait_event(stream, event));
}
API cuEventCreate(CUevent *event, unsigned flags) { return CALL(IN_CONTEXT, create_event(event, flags)); }
API cuEventDestroy_v2(CUevent event) { return CALL(IN_CONTEXT | AFTER_ERROR, destroy_event(event)); }
API cuEventRecord(CUevent event, CUstream stream) { return CALL(IN_CONTEXT, record(event, stream)); }
API cuEventSynchronize(CUevent event) { return CALL(IN_CONTEXT, sync_event(event, true)); }
API cuEventQuery(CUevent event) { return CALL(IN_CONTEXT | UNSAFE_IN_CAPTURE, sync_event(event, false)); }
API cuEventElapsedTime(float *ms, CUevent start, CUevent end) { return CALL(IN_CONTEXT, elapsed(ms, start, end)); }
API cuEventElapsedTime_v2(float *ms, CUevent start, CUevent end) { return CALL(IN_CONTEXT, elapsed(ms, start, end)); }

// A kernel: `kernel(user)` runs on the device thread when its turn comes; anything but 0 is a launch failure.
API sim_launch(CUstream stream, int (*kernel)(void *), void *user) {
    return CALL(IN_CONTEXT, launch(stream, kernel, user));
}
