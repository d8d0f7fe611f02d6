"""Times torch.svd_lowrank, as PEFT's PSOFT calls it, on a weight like those of packages/adapter/bench/svd.ts.

pip install torch==2.13.0 numpy
python tools/reference/svd_speed.py ROWS COLUMNS RANK [ITERATIONS] [THREADS]
"""

import sys
import time

import torch

rows, columns, rank = map(int, sys.argv[1:4])
iterations, threads = (int(given) for given in (sys.argv[4:6] + ["10", "2"][len(sys.argv[4:6]) :]))
torch.set_num_threads(threads)
torch.manual_seed(0)
sizes = 0.05 * torch.arange(1, columns + 1) ** -0.3
w = (2 * torch.rand(rows, columns) - 1) * sizes

seconds = []
for _ in range(4):
    start = time.perf_counter()
    u, s, v = torch.svd_lowrank(w, q=rank, niter=iterations)
    seconds.append(time.perf_counter() - start)
left = torch.linalg.vector_norm(w @ v - u * s, dim=0).max() / s[0]
right = torch.linalg.vector_norm(w.T @ u - v * s, dim=0).max() / s[0]
departure = (v.T @ v - torch.eye(rank)).abs().max()
print(
    f"{rows} x {columns}, rank {rank}, {iterations} iterations, {threads} threads, torch {torch.__version__}: "
    f"{sorted(seconds[1:])[1]:.2f} s (first {seconds[0]:.2f}); residual {max(left, right):.1e}, "
    f"departure of V from orthonormal {departure:.1e}"
)
