"""Metric values by scikit-learn and SciPy, for packages/datasets/src/metrics.test.ts.

Run: python tools/reference/metrics.py > packages/datasets/test/fixtures/metrics.json
"""

import json

import numpy as np
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import accuracy_score, f1_score, matthews_corrcoef

rng = np.random.RandomState(0)
cases = []
for n in (1, 2, 5, 37, 500):
    for bias in (0.1, 0.5, 0.9):
        actual = (rng.random_sample(n) < bias).astype(int)
        predicted = np.where(rng.random_sample(n) < 0.7, actual, 1 - actual)
        cases.append(
            {
                "predicted": predicted.tolist(),
                "actual": actual.tolist(),
                "accuracy": 100 * accuracy_score(actual, predicted),
                "matthewsCorrelation": 100 * matthews_corrcoef(actual, predicted),
                "f1": 100 * f1_score(actual, predicted, zero_division=0),
            }
        )
regression = []
for n in (3, 50):
    x = np.round(rng.standard_normal(n), 1)  # rounded, so that there are ties
    y = np.round(x + rng.standard_normal(n), 1)
    regression.append(
        {
            "predicted": x.tolist(),
            "actual": y.tolist(),
            "pearson": 100 * pearsonr(x, y)[0],
            "spearman": 100 * spearmanr(x, y)[0],
        }
    )
print(json.dumps({"classification": cases, "regression": regression}))
