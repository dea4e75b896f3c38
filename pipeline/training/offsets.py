"""Offsets of a read-out's classes, chosen on validation decisions.

::

    answer = argmaxₖ (logit[k] + b[k])        b: maximises macro F1 over the classes

Of one class's offset, the others fixed, every different answer follows from one pass:
sorted by the offset at which they change to the class, decisions change one by one. So
each step finds the best offset there is, and the classes take turns until none gains.
Macro F1 never falls on the decisions that choose; on others it may.
"""

import torch
from torch import Tensor

ROUNDS = 10
"""How often each class's turn comes, at most."""
GAINED = 1e-9
"""The least gain of macro F1 for which an offset is changed: less is rounding."""


def macro_f1(
    predicted: Tensor, targets: Tensor, weights: Tensor | None = None
) -> float:
    """Compute the mean F1 of the classes that occur.

    As the evaluation does of tables in numpy, here where the logits are: torch, on any
    device.

    Parameters
    ----------
    predicted, targets : Tensor, shape (decision,), int64
    weights : Tensor, shape (decision,), optional
        The number of decisions that each one stands for; None: itself alone.
    """
    each = torch.ones(len(targets)) if weights is None else weights.cpu()
    size = int(torch.cat([predicted, targets]).max()) + 1
    cells = (targets * size + predicted).cpu()
    table = torch.bincount(cells, each.double(), size * size).reshape(size, size)
    return float(_macro(table.diag(), table.sum(0), table.sum(1)))


def drawn_macro_f1(logits: Tensor, targets: Tensor, rows: Tensor) -> float:
    """Compute the macro F1 of drawn decisions as if all had been drawn.

    Those that were drawn of a class stand for all of it.

    Parameters
    ----------
    logits : Tensor, shape (drawn, class)
    targets : Tensor, shape (decision,), int64
    rows : Tensor, shape (drawn,)
        The decisions that were drawn.
    """
    found = targets[rows]
    occur, drawn = torch.bincount(targets), torch.bincount(found)
    return macro_f1(logits.argmax(1), found, occur[found].double() / drawn[found])


def chosen_offsets(logits: Tensor, targets: Tensor) -> Tensor:
    """Choose what is added to each class's logit, (class,), float64.

    Classes that do not occur keep 0: nothing judges them.

    Parameters
    ----------
    logits : Tensor, shape (decision, class)
    targets : Tensor, shape (decision,), int64
    """
    offsets = logits.new_zeros(logits.shape[1], dtype=torch.float64)
    best = macro_f1(logits.argmax(1), targets)
    for _ in range(ROUNDS):
        before = best
        for k in sorted(set(targets.tolist())):
            offset, value = best_offset(logits.double() + offsets, targets, k)
            if value > best + GAINED:
                offsets[k] += offset
                best = value
        if best <= before + GAINED:
            break
    return offsets


def best_offset(logits: Tensor, targets: Tensor, k: int) -> tuple[float, float]:
    """Find the offset of a class with the highest macro F1, and that value."""
    others = logits.clone()
    others[:, k] = -torch.inf
    highest, rival = others.max(1)
    gaps, order = (highest - logits[:, k]).sort()
    true, rival = targets[order], rival[order]
    n_classes = logits.shape[1]
    # Row m: the first m decisions answer k, the others as without it.
    lost = _counted(rival, n_classes)
    lost_hits = _counted(rival.where(rival == true, -1), n_classes)
    hits, answers = lost_hits[-1] - lost_hits, lost[-1] - lost
    hits[:, k] = _counted(true, n_classes)[:, k]
    answers[:, k] = torch.arange(len(answers), device=answers.device)
    values = _macro(hits, answers, _counted(true, n_classes)[-1])
    # Between two decisions that change at the same offset there is none.
    edges = torch.cat([gaps[:1] - 2, gaps, gaps[-1:] + 2])
    values[edges[1:] <= edges[:-1]] = -1
    place = int(values.argmax())
    return float(edges[place : place + 2].mean()), float(values[place])


def _counted(classes: Tensor, n_classes: int) -> Tensor:
    """Count each class in the first m of them, (m, class), from m = 0 on; −1: none."""
    marks = classes[:, None] == torch.arange(n_classes, device=classes.device)
    zeros = torch.zeros(1, n_classes, dtype=torch.float64, device=classes.device)
    return torch.cat([zeros, marks.double().cumsum(0)])


def _macro(hits: Tensor, answers: Tensor, occur: Tensor) -> Tensor:
    """Average 2·hits / (answers + occur) over the classes that occur, the last axis."""
    f1 = 2 * hits / (answers + occur).clamp(min=1e-12)
    return f1[..., occur > 0].mean(-1)
