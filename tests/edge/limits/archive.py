"""Limits of `edge/archive`: many flights."""

from __future__ import annotations

from typing import Any

MIB = 1024 * 1024

LIMITS: dict[str, dict[str, tuple[Any, str]]] = {
    "archive.claims": {
        "RENEW_S": (10.0, "chosen: six times in a lease, so that a slow disk does not lose it"),
        "LEASE_S": (60.0, "chosen: what a dead worker's unit waits at most; a frozen file server answers before"),
    },
    "archive.cluster": {
        "AHEAD": (1, "chosen: the next unit is at its worker when the one at work is over"),
        "KEPT": (100, "chosen: some units' messages; Dask's own are 1000 to 100,000"),
        "LOOK_S": (2.0, "chosen: a worker that comes may wait so long for its first unit"),
        "CONNECT_S": (20.0, "chosen: Dask's own is 30 s"),
        "GATHER_S": (20.0, "chosen: some bytes; then it is seen whether the scheduler is there"),
        "GONE_S": (300.0, "four times what starting two took on a busy machine"),
    },
    "archive.digests": {"BLOCK": (MIB, "chosen: a disk's reading ahead"), "MAX_LINE": (65536, "a path has 4096")},
    "archive.drive": {
        "WAIT_S": (5.0, "chosen: a sixth of what a lease needs to be seen old twice"),
        "MOST_AGAIN": (1000, "chosen: a megabyte"),
        "NAMED": (100, "chosen: more than is shown"),
    },
    "archive.find": {
        "UNIT_BYTES": (256 * MIB, "chosen: a minute or two of 640x512 counts at 30 Hz are lost with a worker"),
        "UNIT_STILLS": (500, "chosen: minutes on a CPU"),
    },
    "archive.job": {"MAX_JSON": (MIB, "a job has 1 kB")},
    "archive.limit": {
        "STILL_S": (900.0, "three times what an engine may take to load"),
        "TIMES": (10, "chosen: a file whose head says far too few"),
        "RENEW_S": (5.0, "chosen: small beside STILL_S"),
        "MAX_SAID": (MIB, "100 threads with 100 lines each have a MB"),
        "STDERR": (2, "POSIX"),
    },
    "archive.manifest": {"MAX_LINE": (64 * MIB, "100,000 stills in one unit")},
    "archive.merge.folders": {"MAX_JSON": (64 * MIB, "64 bytes for each unit of a flight: a million")},
    "archive.merge.join": {
        "FILES_A_TRACK": (6, "three looks with their counts, as a run keeps"),
        "APART_S": (10.0, "chosen: more than a track waits for its object"),
    },
    "archive.merge.parquet": {"GROUP": (50_000, "chosen: 50 MB of rows")},
    "archive.merge.stitch": {
        "EDGE_S": (1.0, "chosen: a track is confirmed within some frames"),
        "LOOK_BACK": (8, "chosen: sightings of a straight way"),
        "FARTHEST": (1.5, "chosen: sides of the object"),
        "GROWS": (2.0, "chosen"),
    },
    "archive.rates": {
        "SECONDS": (4.0, "chosen: some frames on a slow core"),
        "LOAD_S": (300.0, "that of a first start, see app.bench.cold_start"),
        "GAIN": (1.05, "chosen: each process has a model in memory"),
    },
    "archive.tries": {
        "MOST": (2, "chosen: a cable that was loose is not there twice"),
        "MAX_LINE": (65536, "a reason has 2000 characters"),
        "LONGEST": (2000, "chosen: a page of a reason"),
    },
    "archive.unit": {"FORMAT": (1, "of manifest.jsonl")},
}
