"""Arithmetic on draws: arrays in, arrays out; knows no case."""

import numpy as np
from numpy.typing import NDArray

Draws = NDArray[np.float64]  # `(draws,)`: a number for each draw
