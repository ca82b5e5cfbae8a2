"""Whole programs that people run, each written for every system."""

from __future__ import annotations

from tests.benchmarks.workloads import (
    black_scholes,
    chains,
    cnn,
    leapfrog,
    logistic,
    lstm,
    mixture,
    mlp,
    ode,
    per_example,
    rosenbrock,
    transformer,
)

WORKLOADS = (
    *mlp.WORKLOADS,
    *cnn.WORKLOADS,
    *transformer.WORKLOADS,
    *rosenbrock.WORKLOADS,
    *logistic.WORKLOADS,
    *lstm.WORKLOADS,
    *leapfrog.WORKLOADS,
    *per_example.WORKLOADS,
    *black_scholes.WORKLOADS,
    *mixture.WORKLOADS,
    *chains.WORKLOADS,
    *ode.WORKLOADS,
)
