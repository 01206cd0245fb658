// What holds for every call: initialisation, a current context, sticky errors, stream capture, injected errors.
#include "sim.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_FUNCTIONS = 512 };

pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
Counters counters;
Capture *captures;
__thread bool in_kernel;

static bool initialised;

// calls counted by name; the `fail_at`-th, or every one from it on, returns `fail_with`
static struct {
    char name[64];
    long calls, fail_at;
    bool from_then_on;
    CUresult fail_with;
} table[MAX_FUNCTIONS];
static int known;

static int row(const char *name) {
    for (int i = 0; i < known; i++)
        if (strcmp(table[i].name, name) == 0) return i;
    if (known == MAX_FUNCTIONS) abort();
    snprintf(table[known].name, sizeof table[known].name, "%s", name);
    return known++;
}

bool sticky(CUresult code) {
    return code == CUDA_ERROR_ILLEGAL_ADDRESS || code == 702 || code == 710 || (code >= 714 && code <= 719);
}

void break_context(CUcontext context, CUresult code) {
    if (context->broken == CUDA_SUCCESS) context->broken = code;
}

CUresult injected(const char *function) {
    int i = row(function);
    table[i].calls++;
    bool later = table[i].from_then_on && table[i].fail_at && table[i].calls > table[i].fail_at;
    return later || table[i].calls == table[i].fail_at ? table[i].fail_with : CUDA_SUCCESS;
}

void set_initialised(void) { initialised = true; }

// A call that could wait for other work is forbidden to a thread that captures, and to every thread while
// anyone captures in global mode; the capture is spoiled by it.
static CUresult forbid_in_capture(void) {
    CUresult code = CUDA_SUCCESS;
    for (Capture *c = captures; c; c = c->next) {
        bool mine = pthread_equal(c->thread, pthread_self());
        if (c->mode == CAPTURE_GLOBAL || (c->mode == CAPTURE_THREAD_LOCAL && mine)) {
            c->invalid = true;
            code = CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;
        }
    }
    return code;
}

CUresult enter(const char *function, int rules) {
    if (in_kernel) {
        pthread_mutex_lock(&lock);
        return CUDA_ERROR_NOT_PERMITTED;
    }
    pthread_mutex_lock(&lock);
    CUcontext context = current();
    CUresult code = injected(function);
    if (code != CUDA_SUCCESS) {
        if (sticky(code) && context) break_context(context, code);
        return code;
    }
    if (!initialised && !(rules & BEFORE_INIT)) return CUDA_ERROR_NOT_INITIALIZED;
    if (rules & IN_CONTEXT) {
        if (!context) return CUDA_ERROR_INVALID_CONTEXT;
        if (context->live != LIVE) return CUDA_ERROR_CONTEXT_IS_DESTROYED;
        if (context->broken && !(rules & AFTER_ERROR)) return context->broken;
    }
    return rules & UNSAFE_IN_CAPTURE ? forbid_in_capture() : CUDA_SUCCESS;
}

// --- for tests ---

// The nth call from now of `function` returns `code`, and with `from_then_on` every later one.
API sim_fail(const char *function, long nth, CUresult code, int from_then_on) {
    pthread_mutex_lock(&lock);
    int i = row(function);
    table[i].fail_at = table[i].calls + nth;
    table[i].fail_with = code;
    table[i].from_then_on = from_then_on;
    pthread_mutex_unlock(&lock);
    return CUDA_SUCCESS;
}

__attribute__((visibility("default"))) long sim_calls(const char *function) {
    pthread_mutex_lock(&lock);
    long calls = table[row(function)].calls;
    pthread_mutex_unlock(&lock);
    return calls;
}

// All counters as JSON. The text is the caller's to read until the next call.
__attribute__((visibility("default"))) const char *sim_report(void) {
    static char text[1024];
    pthread_mutex_lock(&lock);
    const Counters *c = &counters;
    snprintf(text, sizeof text,
             "{\"contexts\": %ld, \"pushed\": %ld, \"streams\": %ld, \"events\": %ld, \"device_allocations\": %ld, "
             "\"host_allocations\": %ld, \"graphs\": %ld, \"graph_execs\": %ld, \"freed_with_context\": %ld, "
             "\"pageable_copies\": %ld, \"bad_accesses\": %ld, \"overruns\": %ld, \"launches\": %ld, "
             "\"graph_launches\": %ld}",
             c->contexts, c->pushed, c->streams, c->events, c->device_allocations, c->host_allocations, c->graphs,
             c->graph_execs, c->freed_with_context, c->pageable_copies, c->bad_accesses, c->overruns, c->launches,
             c->graph_launches);
    pthread_mutex_unlock(&lock);
    return text;
}

// CUDA_SIM_FAIL="cuMemAlloc_v2:2=2,run:copy:1+=700": function, which call (+ = and every later one), code.
// Read when the library is loaded; whoever forks afterwards calls it again.
__attribute__((constructor, visibility("default"))) void sim_read_faults(void) {
    const char *faults = getenv("CUDA_SIM_FAIL");
    if (!faults) return;
    char *text = strdup(faults);
    for (char *one = strtok(text, ","); one; one = strtok(NULL, ",")) {
        char *equals = strrchr(one, '='), *colon = strrchr(one, ':');
        if (!equals || !colon) {
            fprintf(stderr, "CUDA_SIM_FAIL: %s: expected FUNCTION:NTH=CODE\n", one);
            abort();
        }
        *colon = '\0';
        sim_fail(one, atol(colon + 1), atoi(equals + 1), equals[-1] == '+');
    }
    free(text);
}

// CUDA_SIM_REPORT=FILE: the counters as they stand when the process ends
__attribute__((destructor)) static void write_report(void) {
    const char *path = getenv("CUDA_SIM_REPORT");
    FILE *file = path ? fopen(path, "w") : NULL;
    if (!file) return;
    fprintf(file, "%s\n", sim_report());
    fclose(file);
}
