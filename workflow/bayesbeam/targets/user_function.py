"""A user's own log-likelihood, called with care: everything that can go wrong in a call is said in words.

Decides what is asked of such a function; its mistakes are looked for by :meth:`UserFunction.try_out` before sampling.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from bayesbeam.errors import ModelError

TRIED = 5
"""States on which a function is tried by several calls."""
SAME_IN_COMPANY = 1e-6
"""Relative difference allowed between a state by itself and in a batch: rounding in another order, no more."""


@dataclass(frozen=True)
class UserFunction:
    """Function ``function(theta)`` of float64 states (n, P) to log-likelihoods (n,) in nats.

    Attributes
    ----------
    function : callable
        As the user wrote it, or :class:`OneByOne` around a function of one vector.
    names : tuple of str, length P
        Names of the parameters, for messages.
    """

    function: Callable[[Tensor], Any]
    names: tuple[str, ...]

    @property
    def title(self) -> str:
        """What the function is called in messages."""
        return f"log-likelihood {name_of(self.function)}"

    def __call__(self, states: Tensor) -> Tensor:
        """Log-likelihoods (n,), float64, of states (n, P).

        Raises
        ------
        ModelError
            If the function raises, gives something of another shape, or changes its input by a torch operation.
        """
        version = None if states.is_inference() else states._version
        try:
            found = self.function(states)
        except ModelError:
            raise
        except Exception as error:
            raise ModelError.at(
                self.title,
                f"it raised {type(error).__name__}: {error}",
                f"log-likelihoods of shape ({len(states)},) of theta of shape {tuple(states.shape)}",
                "Call it by itself on such a tensor of prior draws; -inf stands for an impossible state.",
            ) from error
        if version is not None and states._version != version:
            raise self._changed()
        value = torch.as_tensor(found) if isinstance(found, np.ndarray) else found
        if not isinstance(value, Tensor) or value.shape != states.shape[:1] or value.is_complex():
            raise ModelError.at(
                self.title,
                f"it returned {shown(found)} for theta of shape {tuple(states.shape)}",
                f"a real tensor of shape ({len(states)},), one number for each row",
                "Sum over the last axis only; for a function of one parameter vector say batched=False.",
            )
        return value.detach().to(states.device, torch.float64)

    def try_out(self, states: Tensor) -> None:
        """Refuse a function that breaks its contract on states (n, P).

        Raises
        ------
        ModelError
            As in a call; and if it gives nan or ``+inf``, changes its input in any way, gives another value when
            called again, or lets states of one batch feel one another.
        """
        # Another number of states than of parameters, so that a sum over the wrong axis has the wrong shape.
        few = states[: TRIED + (states.shape[1] == TRIED)].clone()
        first = self(few)
        if not torch.equal(few, states[: len(few)]):
            raise self._changed()
        self._refuse_odd_values(self(states), states)
        again = self(few)
        alone = torch.cat([self(few[k : k + 1].clone()) for k in range(len(few))])
        for value, when in ((again, "when called again"), (alone, "alone, without the rest of its batch")):
            differs = torch.nonzero(~torch.isclose(first, value, rtol=SAME_IN_COMPANY, atol=SAME_IN_COMPANY))
            if len(differs):
                k = int(differs[0, 0])
                raise ModelError.at(
                    f"{self.title} at {self.words(few[k])}",
                    f"{float(first[k]):.8g}, but {float(value[k]):.8g} {when}",
                    "the same value for the same parameters, always",
                    "Let every row of theta (n, P) stand for itself, without random numbers or memory.",
                )

    def words(self, state: Tensor) -> str:
        """One state (P,) for a message: names and numbers."""
        return ", ".join(f"{name} = {float(v):.6g}" for name, v in zip(self.names, state, strict=True))

    def _refuse_odd_values(self, value: Tensor, states: Tensor) -> None:
        """Refuse nan and ``+inf``."""
        bad = torch.nonzero(torch.isnan(value) | torch.isposinf(value))
        if len(bad):
            k = int(bad[0, 0])
            raise ModelError.at(
                f"{self.title} at {self.words(states[k])}",
                f"{float(value[k])}",
                "a number, or -inf for an impossible state",
                "Check the function at the edges of its priors.",
            )

    def _changed(self) -> ModelError:
        """Error of a function that writes into its argument."""
        return ModelError.at(
            self.title,
            "it changes its input",
            "theta left as it is",
            "Work on theta.clone(), or without in-place steps.",
        )


class OneByOne:
    """Batched function from one of a single numpy vector, which it gets read-only."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function
        self.__name__ = name_of(function)

    def __call__(self, theta: Tensor) -> Tensor:
        """Log-likelihoods (n,) of states (n, P)."""
        vectors = theta.cpu().numpy().copy()
        vectors.setflags(write=False)
        return torch.tensor([self._number(vector) for vector in vectors], dtype=torch.float64)

    def _number(self, vector: Any) -> float:
        """Log-likelihood of one vector (P,)."""
        found = self.function(vector)
        if np.shape(found) != () or found is None or isinstance(found, str | complex):
            raise ModelError.at(
                f"log-likelihood {self.__name__}",
                f"it returned {shown(found)} for one parameter vector of shape {vector.shape}",
                "one number",
                "Sum over the data; for a function of many vectors at once say batched=True.",
            )
        return float(found)


def name_of(function: object) -> str:
    """Name of a function, or of the class of a callable."""
    return str(getattr(function, "__name__", type(function).__name__))


def shown(found: object) -> str:
    """What a function returned, in words."""
    if isinstance(found, Tensor | np.ndarray):
        is_complex = found.is_complex() if isinstance(found, Tensor) else np.iscomplexobj(found)
        return f"{'complex numbers' if is_complex else 'a tensor'} of shape {tuple(found.shape)}"
    return "nothing" if found is None else f"a {type(found).__name__}"
