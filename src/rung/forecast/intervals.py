"""How far chance may have moved a figure of a simulation: the interval by the means of batches. Pure.

Batches of consecutive minutes would differ as the hours of a day do. Those here take every twentieth minute each,
so that they differ by chance alone, as far as one minute says little about the next but nineteen. Source: A. Law,
"Simulation Modeling and Analysis", 5th edition, section 9.5.3, for batches; the interleaving is ours.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence

BATCHES = 20
#: With fewer, an interval says nothing.
FEWEST = 10
_Z95 = 1.959964


def half_interval(batches: Sequence[float]) -> float:
    """Half of the 95 % interval of the mean of batches; nan for fewer than FEWEST.

    Student's t from the normal quantile, by Cornish and Fisher's expansion: within 0.1 % from nine degrees
    of freedom on (Abramowitz and Stegun, 26.7.5).
    """
    if len(batches) < FEWEST:
        return math.nan
    free, z = len(batches) - 1, _Z95
    student = z + (z**3 + z) / (4 * free) + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * free**2)
    student += (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * free**3)
    return float(student * statistics.stdev(batches) / math.sqrt(len(batches)))
