"""Which studies each fit of an analysis has: arrays of copies for :func:`metaresp.pool_batch`.

``copies[lane, study]`` is how often a study counts in a lane: 0 leaves it out.
"""

import numpy as np

from metaresp.arrays import IntArray


def without_each(groups: IntArray) -> IntArray:
    """Return one lane a group, without the studies of that group.

    Parameters
    ----------
    groups : int array, shape (k,)
        Number of the group of each study, from 0; ``arange(k)`` leaves out one study at a time.

    Returns
    -------
    int array, shape (groups, k)

    Examples
    --------
    >>> without_each(np.array([0, 0, 1])).tolist()
    [[0, 0, 1], [1, 1, 0]]
    """
    copies: IntArray = (groups != np.arange(groups.max(initial=-1) + 1)[:, None]).astype(np.int64)
    return copies


def growing(order: IntArray) -> IntArray:
    """Return lanes of the first study, the first two, ... in an *order* of positions, shape (k, k).

    Examples
    --------
    >>> growing(np.array([2, 0, 1])).tolist()
    [[0, 0, 1], [1, 0, 1], [1, 1, 1]]
    """
    place = np.argsort(order)
    copies: IntArray = (place <= np.arange(order.size)[:, None]).astype(np.int64)
    return copies
