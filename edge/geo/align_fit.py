"""The least squares behind `edge.geo.align`: one mounting and a height for all sightings, a place for each object.

Unknown: yaw, pitch, roll (radians, the camera's own frame) and height (m), for all; a drift east and north of all
objects together (m/s), so that a herd that walks is not taken for a tilt; a shift east and north for each pass, for
the receiver's wander; a place for each object, which is taken out of the equations (Schur's complement). Sightings
that fit badly count less (Huber's weights).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from edge.errors import InputError
from edge.geo.attitude import Mounting
from edge.geo.budget import Hit, Sigmas

Float64 = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

# one standard deviation before anything was seen: rad, m, m/s
PRIOR = np.array([math.radians(5.0)] * 3 + [15.0] + [0.3] * 2)
COMMON = len(PRIOR)
STEPS = np.array([1e-5, 1e-5, 1e-5, 1e-3])  # of the numeric derivative
LARGEST = np.array([0.05, 0.05, 0.05, 8.0])  # step of a round: rad, m; far from the place the problem is not straight
HUBER = 2.0  # times the noise; chosen
ROUNDS = 15
MEDIAN_2D = 1.386  # of the square of a round normal distribution of two dimensions
JITTER = Sigmas(0.0, 0.0, math.radians(0.2), 0.0, 1.5, (0, 0, 0, 0))  # of one sighting against the next; scaled later


@dataclass(frozen=True)
class Seen:
    """N sightings as arrays. ``rays``: (N, 3) camera frame, z = 1. ``axes``: (N, 3, 3) of the poses. ``eyes``: (N, 2)
    metres east and north. ``heights``: (N,) m above the ground. ``t``: (N,) s. ``objects``, ``passes``: (N,) numbers
    from 0. ``weights``: (N, 2, 2) inverse of one sighting's noise, 1/m^2. ``wander``: m, of a pass's shift.
    ``lines``: how many passes there are.
    """

    rays: Float64
    axes: Float64
    eyes: Float64
    heights: Float64
    t: Float64
    objects: Ints
    passes: Ints
    weights: Float64
    wander: float
    lines: int

    def places(self, correction: Float64) -> Float64:
        """(N, 2) metres east and north on the ground, with ``correction`` (4,) applied; NaN where a ray misses."""
        yaw, pitch, roll = np.degrees(correction[:3])
        turn = Mounting(float(yaw), float(pitch), float(roll)).turn()
        rays = np.einsum("ni,nij->nj", self.rays @ turn, self.axes)
        down = np.where(rays[:, 2] < 0, -rays[:, 2], np.nan)
        return np.asarray(self.eyes + ((self.heights + correction[3]) / down)[:, None] * rays[:, :2])

    def derivative(self, correction: Float64) -> Float64:
        """(N, 2, 4): of `places`."""
        columns = []
        for k, step in enumerate(STEPS):
            move = np.zeros(4)
            move[k] = step
            columns.append((self.places(correction + move) - self.places(correction - move)) / (2 * step))
        return np.stack(columns, axis=2)

    def where(self, keep: npt.NDArray[np.bool_]) -> Seen:
        """Those sightings, objects numbered anew."""
        _, objects = np.unique(self.objects[keep], return_inverse=True)
        return replace(
            self,
            rays=self.rays[keep],
            axes=self.axes[keep],
            eyes=self.eyes[keep],
            heights=self.heights[keep],
            t=self.t[keep],
            objects=objects.astype(np.int64),
            passes=self.passes[keep],
            weights=self.weights[keep],
        )


@dataclass(frozen=True)
class Fit:
    """``correction``: (4,) rad and m. ``shifts``: (passes, 2) m east and north. ``covariance``: (4, 4). ``drift``:
    (2,) m/s of all objects together, with one standard deviation of each, ``drift_sigma``. ``middle_s``: when the
    drift is 0. ``noise``: how many times the assumed noise of a sighting is left. ``unsure_m``: one standard
    deviation of a place on the ground from the correction's uncertainty.
    """

    correction: Float64
    covariance: Float64
    drift: Float64
    drift_sigma: Float64
    middle_s: float
    shifts: Float64
    noise: float
    unsure_m: float

    def left(self, seen: Seen) -> Float64:
        """(N, 2) m: where each sighting is against its object's mean, with all of the fit applied; of other objects
        than those of the fit, too.
        """
        since = (seen.t - self.middle_s)[:, None]
        places = seen.places(self.correction) + self.shifts[seen.passes] - since * self.drift
        count = np.bincount(seen.objects).astype(np.float64)
        mean = np.column_stack([np.bincount(seen.objects, places[:, axis]) / count for axis in (0, 1)])
        return np.asarray(places - mean[seen.objects])


def noise_weights(rays: Float64, axes: Float64, heights: Float64, focal: float) -> Float64:
    """(N, 2, 2) 1/m^2: inverse covariance of the noise of one sighting against the next."""
    covariance = np.empty((len(rays), 2, 2))
    for i in range(len(rays)):
        hit = Hit((rays[i] @ axes[i])[None], heights[i : i + 1], axes[i], focal)
        covariance[i] = hit.covariance(JITTER)[0]
    return np.asarray(_solved(np.linalg.inv, covariance), np.float64)


def fit(seen: Seen) -> Fit:
    """The correction under which every object stands still as well as it can. Raises InputError where none does."""
    passes, objects = seen.lines, int(seen.objects.max()) + 1
    n, m = len(seen.rays), COMMON + 2 * passes
    state, huber = np.zeros(m), np.ones(n)
    precision = np.concatenate((PRIOR**-2.0, np.full(2 * passes, seen.wander**-2.0)))
    middle = float(seen.t.mean())
    rows, since = np.arange(n), seen.t - middle
    for _ in range(ROUNDS):
        design = np.zeros((n, 2, m))
        design[:, :, :4] = seen.derivative(state[:4])
        for axis in (0, 1):
            design[:, axis, 4 + axis] = -since
            design[rows, axis, COMMON + 2 * seen.passes + axis] = 1.0
        now = seen.places(state[:4]) + state[COMMON:].reshape(-1, 2)[seen.passes] - since[:, None] * state[4:COMMON]
        if not np.isfinite(now).all():
            raise InputError("alignment: no mounting near the one that was told lets the objects stand still")
        weights = seen.weights * huber[:, None, None]
        centred, off = _without_objects(design, now, weights, seen.objects, objects)
        pull = weights @ centred
        normal = np.einsum("nik,nil->kl", centred, pull)
        slope = np.einsum("nik,ni->k", pull, off)
        square = np.einsum("ni,nij,nj->n", off, seen.weights, off)
        noise = math.sqrt(max(float(np.median(square)) / MEDIAN_2D, 1e-12))
        normal_s, slope_s = normal / noise**2 + np.diag(precision), slope / noise**2 + precision * state
        step = _solved(np.linalg.solve, normal_s, slope_s)
        state = state - step * min(1.0, float((LARGEST / np.maximum(np.abs(step[:4]), 1e-12)).min()))
        huber = np.minimum(1.0, HUBER * noise / np.maximum(np.sqrt(square), 1e-12))
        if np.abs(step[:4]).max() < 1e-7:
            break
    inverse = _solved(np.linalg.inv, normal_s)
    # errors of one object's sightings hang together: by objects, and never less than by sightings
    by_object = np.zeros((objects, m))
    np.add.at(by_object, seen.objects, np.einsum("nik,ni->nk", pull, off) / noise**2)
    spread = inverse @ (by_object.T @ by_object * objects / max(objects - 1, 1)) @ inverse
    more = np.sqrt(np.maximum(1.0, np.diag(spread) / np.diag(inverse)))
    every = inverse * np.outer(more, more)
    moved, covariance = design[:, :, :4], every[:4, :4]
    unsure = math.sqrt(float(np.einsum("nik,kl,nil->n", moved, covariance, moved).mean()))
    drift_sigma = np.sqrt(np.diag(every)[4:COMMON])
    shifts = state[COMMON:].reshape(-1, 2)
    return Fit(state[:4], covariance, state[4:COMMON], drift_sigma, middle, shifts, noise, unsure)


def _without_objects(
    design: Float64, now: Float64, weights: Float64, objects: Ints, count: int
) -> tuple[Float64, Float64]:
    """Design (N, 2, M) and places (N, 2), each less the weighted mean of its object."""
    total = np.zeros((count, 2, 2))
    np.add.at(total, objects, weights)
    inverse = _solved(np.linalg.inv, total)
    of_design = np.zeros((count, 2, design.shape[2]))
    np.add.at(of_design, objects, weights @ design)
    of_now = np.zeros((count, 2))
    np.add.at(of_now, objects, np.einsum("nij,nj->ni", weights, now))
    centre = np.einsum("jab,jb->ja", inverse, of_now)
    return design - (inverse @ of_design)[objects], now - centre[objects]


def _solved(how: Callable[..., Float64], *arrays: Float64) -> Float64:
    """``how(*arrays)``. Raises InputError where there is no solution."""
    try:
        return how(*arrays)
    except np.linalg.LinAlgError:
        raise InputError("alignment: nothing can be solved with these numbers: expected those of a flight") from None
