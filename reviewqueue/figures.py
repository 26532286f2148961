"""Statistics of the board, pure and without a numeric library (a web process stays small)."""

from math import sqrt

# Two-sided 95 % quantile of the normal distribution.
Z95 = 1.959963984540054

# Upper bounds, in seconds, of the buckets in which time on a draft is counted; one more bucket lies above.
BUCKETS = (1, 2, 3, 5, 8, 13, 20, 30, 45, 60, 90, 120, 180, 300, 600, 1200, 3600)

# Below this many decisions a rate is not shown: its interval says nothing.
FEWEST = 30


def wilson(successes: int, n: int, z: float = Z95) -> tuple[float, float]:
    """Wilson score interval of a binomial share, 95 % unless `z` says otherwise: (low, high) within 0 to 1.

    n = 0 gives (0, 1). Source: E. B. Wilson, JASA 22 (1927) 209-212.
    """
    if not 0 <= successes <= n:
        raise ValueError(f"successes must lie between 0 and n, not {successes} of {n}")
    if n == 0:
        return 0.0, 1.0
    share = successes / n
    denominator = 1 + z * z / n
    centre = (share + z * z / (2 * n)) / denominator
    half = z * sqrt(share * (1 - share) / n + z * z / (4 * n * n)) / denominator
    low = 0.0 if successes == 0 else max(0.0, centre - half)
    high = 1.0 if successes == n else min(1.0, centre + half)
    return low, high
