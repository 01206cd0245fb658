// Stream capture and CUDA graphs: what one stream was given between begin and end, to be launched again.
#include "sim.h"

#include <stdlib.h>

static CUgraph graphs;  // all that ever were

static CUresult begin(CUstream stream, int mode) {
    if (!stream) return CUDA_ERROR_STREAM_CAPTURE_UNSUPPORTED;  // the default stream
    stream = usable(stream);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    if (mode < CAPTURE_GLOBAL || mode > CAPTURE_RELAXED) return CUDA_ERROR_INVALID_VALUE;
    if (stream->capture) return CUDA_ERROR_ILLEGAL_STATE;
    Capture *capture = calloc(1, sizeof *capture);
    *capture = (Capture){.mode = mode, .thread = pthread_self(), .origin = stream, .next = captures};
    captures = capture;
    stream->capture = capture;
    return CUDA_SUCCESS;
}

static CUgraph new_graph(Op *nodes, bool executable) {
    CUgraph graph = calloc(1, sizeof *graph);
    *graph = (struct Graph){.live = LIVE, .executable = executable, .context = current(), .nodes = nodes, .next = graphs};
    graphs = graph;
    *(executable ? &counters.graph_execs : &counters.graphs) += 1;
    return graph;
}

void drop_capture(CUstream stream) {
    Capture **link = &captures;
    while (*link != stream->capture) link = &(*link)->next;
    *link = stream->capture->next;
    stream->capture = NULL;
}

static CUresult end(CUstream stream, CUgraph *graph) {
    *graph = NULL;
    stream = usable(stream);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    Capture *capture = stream->capture;
    if (!capture) return CUDA_ERROR_ILLEGAL_STATE;
    if (capture->mode != CAPTURE_RELAXED && !pthread_equal(capture->thread, pthread_self()))
        return CUDA_ERROR_STREAM_CAPTURE_WRONG_THREAD;
    drop_capture(stream);
    if (capture->invalid || injected("run:capture")) return CUDA_ERROR_STREAM_CAPTURE_INVALIDATED;
    *graph = new_graph(capture->nodes, false);
    return CUDA_SUCCESS;
}

void free_graphs_of(CUcontext context) {
    for (CUgraph g = graphs; g; g = g->next)
        if (g->context == context && g->live == LIVE) {
            g->live = DEAD;
            *(g->executable ? &counters.graph_execs : &counters.graphs) -= 1;
            counters.freed_with_context++;
        }
}

static CUresult is_capturing(CUstream stream, int *status) {
    stream = usable(stream);
    if (!stream) return CUDA_ERROR_INVALID_HANDLE;
    *status = !stream->capture ? 0 : stream->capture->invalid ? 2 : 1;
    return CUDA_SUCCESS;
}

static bool good(CUgraph graph, bool executable) {
    return graph && graph->live == LIVE && graph->executable == executable && graph->context == current();
}

static CUresult instantiate(CUgraphExec *made, CUgraph graph) {
    if (!good(graph, false)) return CUDA_ERROR_INVALID_VALUE;
    Op *copied = NULL, **link = &copied;
    for (const Op *op = graph->nodes; op; op = op->next) {
        *link = malloc(sizeof *op);
        **link = *op;
        (*link)->next = NULL;
        link = &(*link)->next;
    }
    *made = new_graph(copied, true);
    return CUDA_SUCCESS;
}

static CUresult launch(CUgraphExec graph, CUstream stream) {
    stream = usable(stream);
    if (!stream || !good(graph, true)) return CUDA_ERROR_INVALID_VALUE;
    if (stream->capture) return CUDA_ERROR_NOT_SUPPORTED;  // a graph inside a graph
    return enqueue(stream, (Op){.kind = GRAPH, .graph = graph});
}

static CUresult destroy(CUgraph graph, bool executable) {
    if (!good(graph, executable)) return CUDA_ERROR_INVALID_VALUE;
    graph->live = DEAD;
    *(executable ? &counters.graph_execs : &counters.graphs) -= 1;
    return CUDA_SUCCESS;
}

API cuStreamBeginCapture_v2(CUstream stream, int mode) { return CALL(IN_CONTEXT, begin(stream, mode)); }
API cuStreamEndCapture(CUstream stream, CUgraph *graph) { return CALL(IN_CONTEXT, end(stream, graph)); }
API cuStreamIsCapturing(CUstream stream, int *status) { return CALL(IN_CONTEXT, is_capturing(stream, status)); }
API cuGraphInstantiateWithFlags(CUgraphExec *made, CUgraph graph, unsigned long long flags) {
    return CALL(IN_CONTEXT, flags > 15 ? CUDA_ERROR_INVALID_VALUE : instantiate(made, graph));
}
API cuGraphLaunch(CUgraphExec graph, CUstream stream) { return CALL(IN_CONTEXT, launch(graph, stream)); }
API cuGraphDestroy(CUgraph graph) { return CALL(IN_CONTEXT | AFTER_ERROR, destroy(graph, false)); }
API cuGraphExecDestroy(CUgraphExec graph) { return CALL(IN_CONTEXT | AFTER_ERROR, destroy(graph, true)); }
