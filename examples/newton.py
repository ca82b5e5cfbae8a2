"""Newton's method with exact derivatives: `hessian`, `jacfwd`, `jacrev` and `vmap` at work.

Two classical functions, both sums of squares f(x) = |r(x)|^2 of a vector of residuals r:

- Rosenbrock's valley (1960), r = (10 (y - x^2), 1 - x), from its customary start (-1.2, 1).
  Gradient descent creeps along the curved floor. Newton's method, x - H^-1 g, needs six steps.
  Gauss and Newton's, which solves the linearised residuals J d = -r, needs two.
- Himmelblau's function (1972), r = (x^2 + y - 11, x + y^2 - 7), has four minima, four saddle
  points and a maximum. Newton's method looks for a zero gradient, so it finds them all: `vmap` runs
  it from every point of a grid at once, and a picture shows which start ends where.

    python examples/newton.py
    python examples/newton.py --fast     # a coarse grid, as the tests run it
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LogNorm, to_rgb
from tqdm import tqdm

import funcgrad as fg
import funcgrad.numpy as jnp

START = np.array([-1.2, 1.0])
RATE = 1e-3  # of gradient descent; above 2e-3 it no longer converges from this start
NEWTON_STEPS = 50

Function = Callable[[Any], fg.Array]


def rosenbrock(x: Any) -> fg.Array:
    """The residuals of Rosenbrock's function in two or more dimensions."""
    return jnp.concatenate([10 * (x[1:] - x[:-1] ** 2), 1 - x[:-1]])


def himmelblau(x: Any) -> fg.Array:
    return jnp.stack([x[0] ** 2 + x[1] - 11, x[0] + x[1] ** 2 - 7])


def sum_of_squares(residuals: Function) -> Function:
    return lambda x: jnp.sum(residuals(x) ** 2)


def check_derivatives(n: int = 10) -> None:
    """The same matrices by different modes, and H = 2 (J^T J + sum_k r_k hessian(r_k))."""
    x = np.random.default_rng(0).normal(size=n)
    f = sum_of_squares(rosenbrock)
    jacobian, hessian = fg.jacrev(rosenbrock)(x), np.asarray(fg.hessian(f)(x))
    curvature = jnp.einsum("k,kij->ij", rosenbrock(x), fg.hessian(rosenbrock)(x))
    others = {
        "jacfwd(r) against jacrev(r)": (fg.jacfwd(rosenbrock)(x), jacobian),
        "jacfwd(jacrev(f)) against hessian(f)": (fg.jacfwd(fg.jacrev(f))(x), hessian),
        "jacrev(jacfwd(f)) against hessian(f)": (fg.jacrev(fg.jacfwd(f))(x), hessian),
        "2 (J^T J + sum of r_k H_k) against hessian(f)": (
            2 * (jacobian.T @ jacobian + curvature),
            hessian,
        ),
    }
    print(f"Rosenbrock's function in {n} dimensions, largest relative differences:")
    for label, (one, other) in others.items():
        difference = np.max(np.abs(np.asarray(one) - other)) / np.max(np.abs(np.asarray(other)))
        print(f"  {label:48}{difference:.1e}")


def descent_path(f: Function, steps: int) -> np.ndarray:
    gradient = fg.jit(fg.grad(f))
    path = [START]
    for _ in tqdm(range(steps), desc="gradient descent", unit="step"):
        path.append(path[-1] - RATE * np.asarray(gradient(path[-1])))
    return np.array(path)


def newton_path(f: Function, steps: int = 6) -> np.ndarray:
    gradient, hessian = fg.jit(fg.grad(f)), fg.jit(fg.hessian(f))
    path = [START]
    for _ in range(steps):
        x = path[-1]
        path.append(x - np.linalg.solve(np.asarray(hessian(x)), np.asarray(gradient(x))))
    return np.array(path)


def gauss_newton_path(residuals: Function, steps: int = 2) -> np.ndarray:
    jacobian = fg.jit(fg.jacfwd(residuals))
    path = [START]
    for _ in range(steps):
        x = path[-1]
        step, *_ = np.linalg.lstsq(np.asarray(jacobian(x)), -np.asarray(residuals(x)))
        path.append(x + step)
    return np.array(path)


def newton_from_grid(f: Function, starts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Where Newton's method ends from each start, and after how many steps it stood still there."""
    derivatives = fg.jit(fg.vmap(lambda x: (fg.grad(f)(x), fg.hessian(f)(x))))
    points, steps = starts, np.full(len(starts), NEWTON_STEPS)
    for n in tqdm(range(NEWTON_STEPS), desc="Newton's method from the grid", unit="step"):
        gradients, hessians = (np.asarray(d) for d in derivatives(points))
        moves = np.linalg.solve(hessians, gradients[..., None])[..., 0]
        points = points - moves
        steps = np.where(np.abs(moves).max(axis=1) < 1e-9, np.minimum(steps, n), steps)
    return points, steps


def stationary_points(f: Function, points: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """The different points in which the converged starts ended, minima first."""
    found = np.unique(np.round(points[steps < NEWTON_STEPS], 6) + 0.0, axis=0)
    return found[np.argsort(np.asarray(fg.vmap(f)(found)).round(6), kind="stable")]


def describe(f: Function, found: np.ndarray, ends: np.ndarray) -> list[str]:
    """Prints a line for each stationary point; returns their kinds."""
    kinds = []
    print(f"\n{'stationary point':>22}{'f':>11}{'curvatures':>20}   kind      starts")
    for k, (x, hessian) in enumerate(zip(found, fg.vmap(fg.hessian(f))(found), strict=True)):
        curvatures = np.linalg.eigvalsh(np.asarray(hessian))
        kinds.append(["minimum", "saddle", "maximum"][int(np.sum(curvatures < 0))])
        low, high = curvatures
        print(
            f"({x[0]:9.6f}, {x[1]:9.6f}){float(f(x)):11.4f}{low:10.2f}{high:10.2f}"
            f"   {kinds[-1]:8}{np.mean(ends == k):8.1%}"
        )
    return kinds


def draw_paths(paths: dict[str, np.ndarray], path: Path) -> None:
    """The paths over the contours of the valley, and how far each is from the minimum."""
    value = fg.vmap(sum_of_squares(rosenbrock))
    xs, ys = np.linspace(-1.8, 1.8, 300), np.linspace(-4.3, 2.3, 300)
    plane = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    heights = np.asarray(value(plane)).reshape(300, 300)

    figure, (left, right) = plt.subplots(1, 2, figsize=(12, 5), layout="constrained")
    levels = np.logspace(-1, 3.5, 16)
    left.contour(xs, ys, heights, levels, norm=LogNorm(), cmap="Greys_r", linewidths=0.8)
    left.plot(1, 1, "k*", ms=14, zorder=5, label="minimum")
    for (name, points), color in zip(paths.items(), ("tab:blue", "tab:red", "tab:green")):
        dots = "" if len(points) > 100 else "o"
        left.plot(*points.T, color=color, lw=2, marker=dots, ms=5, label=name)
        distance = np.linalg.norm(points - 1, axis=1)
        visited = np.arange(1, len(points) + 1)
        right.loglog(visited, distance + 1e-17, color=color, lw=2, marker=dots, ms=5, label=name)
    left.set(
        title="Rosenbrock's valley", xlabel="x", ylabel="y", xlim=xs[[0, -1]], ylim=ys[[0, -1]]
    )
    left.legend(loc="lower left")
    right.set(title="Distance to the minimum", xlabel="points visited", ylim=(1e-17, 10))
    right.grid(alpha=0.3)
    right.legend()
    figure.savefig(path, dpi=120)
    plt.close(figure)


def draw_basins(
    found: np.ndarray,
    kinds: list[str],
    ends: np.ndarray,
    steps: np.ndarray,
    extent: float,
    path: Path,
) -> None:
    """Each start in the colour of the point where it ends, darker the more steps it takes."""
    hues = {
        "minimum": iter(["#3b75d9", "#2ca25f", "#e6842a", "#d93b4b"]),
        "saddle": iter(["#b9c9ec", "#b8dfc8", "#f3d3b0", "#eebcc3"]),
        "maximum": iter(["#8c6bb1"]),
    }
    colors = np.array([to_rgb(next(hues[kind], "gray")) for kind in kinds] + [(1, 1, 1)])
    shade = 0.35 + 0.65 * np.exp(-np.maximum(steps - 4, 0) / 8)
    side = round(len(ends) ** 0.5)
    picture = (colors[ends] * shade[:, None]).reshape(side, side, 3)

    figure, axes = plt.subplots(figsize=(8, 7), layout="constrained")
    axes.imshow(picture, origin="lower", extent=(-extent, extent, -extent, extent))
    for kind, marker in (("minimum", "o"), ("saddle", "X"), ("maximum", "^")):
        points = found[[k == kind for k in kinds]]
        axes.scatter(*points.T, marker=marker, c="white", edgecolor="k", s=70, label=kind)
    axes.set(title="Himmelblau's function: where Newton's method ends", xlabel="x", ylabel="y")
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=120)
    plt.close(figure)


def main(argv: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description="Newton's method with exact derivatives.")
    parser.add_argument("--out", type=Path, default=Path("out"), help="folder for the pictures")
    parser.add_argument("--grid", type=int, default=400, help="starts along each side of the grid")
    parser.add_argument("--fast", action="store_true", help="a grid of 60 x 60")
    options = parser.parse_args(argv)
    options.out.mkdir(parents=True, exist_ok=True)

    check_derivatives()
    valley = sum_of_squares(rosenbrock)
    paths = {
        "gradient descent": descent_path(valley, 1000 if options.fast else 10_000),
        "Newton": newton_path(valley),
        "Gauss-Newton": gauss_newton_path(rosenbrock),
    }
    print("\nFrom (-1.2, 1) towards the minimum (1, 1):")
    for name, points in paths.items():
        distance = np.linalg.norm(points[-1] - 1)
        print(f"  {name:20}{len(points) - 1:6} steps, then {distance:.1e} away")
    draw_paths(paths, options.out / "newton_paths.png")

    extent, side = 6.0, 60 if options.fast else options.grid
    axis = np.linspace(-extent, extent, side)
    hills = sum_of_squares(himmelblau)
    points, steps = newton_from_grid(
        hills, np.stack(np.meshgrid(axis, axis), axis=-1).reshape(-1, 2)
    )
    found = stationary_points(hills, points, steps)
    near = np.abs(points[:, None] - found).max(axis=2) < 1e-5
    ends = np.where(near.any(axis=1), near.argmax(axis=1), len(found))
    kinds = describe(hills, found, ends)
    draw_basins(found, kinds, ends, steps, extent, options.out / "newton_basins.png")
    print(f"pictures: {options.out / 'newton_paths.png'}, {options.out / 'newton_basins.png'}")


if __name__ == "__main__":
    main()
