"""Fields: the way in millimetres from every node to a goal, past what is closed."""

from __future__ import annotations

from .state import FAR

CLOSED, STANDS = 1, 2  # bits of what shuts a node


def run_field_grid(arrive, shut, standing, local, district, out, queue, goal, cols, edge_mm):
    """Breadth-first from the goal, against the moves.

    `arrive` holds bit 2 k where the neighbour in direction k may move into a node; `shut` is not 0
    where nobody gets through, and nodes of `standing` are shut for this field. `out` is one row of
    fields; `queue` has its size.
    """
    for i in range(out.shape[0]):
        out[i] = FAR
    for i in range(standing.shape[0]):
        shut[standing[i]] |= STANDS
    windowed = local.shape[0] > 0
    if shut[goal] & CLOSED == 0:
        out[local[goal] if windowed else goal] = 0
        queue[0] = goal
        head = 0
        tail = 1
        while head < tail:
            v = int(queue[head])
            head += 1
            reached = int(out[local[v] if windowed else v]) + edge_mm
            mask = int(arrive[v])
            for k in range(4):
                if (mask >> (2 * k)) & 1 == 0:
                    continue
                u = v - cols if k == 0 else v + 1 if k == 1 else v + cols if k == 2 else v - 1
                if windowed and district[u] != district[goal]:
                    continue
                at = int(local[u]) if windowed else u
                if out[at] == FAR and shut[u] == 0:
                    out[at] = reached
                    queue[tail] = u
                    tail += 1
    for i in range(standing.shape[0]):
        shut[standing[i]] &= CLOSED


def run_field_graph(indptr, sources, length_mm, allowed, shut, standing, out, heap, goal):
    """Dijkstra's algorithm on the reversed graph; `heap` has room for one entry per edge and one.

    `indptr, sources` list edges by the node they enter; heap entries are `distance << 31 | node`.
    """
    for i in range(out.shape[0]):
        out[i] = FAR
    for i in range(standing.shape[0]):
        shut[standing[i]] |= STANDS
    if shut[goal] & CLOSED == 0:
        out[goal] = 0
        heap[0] = goal
        size = 1
        while size > 0:
            top = int(heap[0])
            size -= 1
            sift_down(heap, size, int(heap[size]))
            v = top & 0x7FFFFFFF
            reached = top >> 31
            if reached > out[v]:
                continue
            for e in range(indptr[v], indptr[v + 1]):
                u = int(sources[e])
                if shut[u] != 0 or not allowed[e]:
                    continue
                far = reached + int(length_mm[e])
                if far < out[u]:
                    out[u] = far
                    sift_up(heap, size, far << 31 | u)
                    size += 1
    for i in range(standing.shape[0]):
        shut[standing[i]] &= CLOSED


def sift_up(heap, at, entry):
    """Put an entry into the binary heap, at the end of it to begin with."""
    while at > 0:
        parent = (at - 1) >> 1
        if heap[parent] <= entry:
            break
        heap[at] = heap[parent]
        at = parent
    heap[at] = entry


def sift_down(heap, size, entry):
    """Put an entry into the place of the one taken off the top."""
    at = 0
    while True:
        child = 2 * at + 1
        if child >= size:
            break
        if child + 1 < size and heap[child + 1] < heap[child]:
            child += 1
        if heap[child] >= entry:
            break
        heap[at] = heap[child]
        at = child
    heap[at] = entry


HELPERS = (sift_up, sift_down)
ENTRIES = (run_field_grid, run_field_graph)
