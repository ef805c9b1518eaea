"""Lines of source that compute the nodes of a graph once each, those that differ between points apart."""

from __future__ import annotations

from abc import ABC, abstractmethod

from bayesbeam.models.trace import Node
from bayesbeam.sampling.engines.ahead import inputs_of


class Writer(ABC):
    """Lines of a function: ``before``, computed once a row in double precision, and ``inside``, at every point.

    Parameters
    ----------
    prefix : str
        Before the names of all that is not a point's own datum, for two graphs in one function.
    """

    def __init__(self, prefix: str = "") -> None:
        self.prefix = prefix
        self.before: list[str] = []
        self.inside: list[str] = []
        self._names: dict[Node, str] = {}
        self._cast: dict[str, str] = {}

    @abstractmethod
    def text(self, node: Node, inputs: list[str]) -> str:
        """Expression of one operation, or of a constant."""

    @abstractmethod
    def in_rows(self, node: Node, name: str) -> str:
        """Expression of a value from before in the precision of the rows."""

    def know(self, names: dict[Node, str]) -> None:
        """Take values from where they have been computed already."""
        self._names |= names

    def value(self, node: Node, wanted: bool) -> str:
        """Name of a node's value; ``wanted`` says whether it is used at every point."""
        if node not in self._names:
            self._names[node] = self._write(node)
        name = self._names[node]
        if node.pointwise or not wanted:
            return name
        if name not in self._cast:
            self._cast[name] = f"{self.prefix}r{len(self._cast)}"
            self.before.append(f"{self._cast[name]} = {self.in_rows(node, name)}")
        return self._cast[name]

    def _write(self, node: Node) -> str:
        if node.op == "symbol":
            return node.name if node.pointwise else f"{self.prefix}{node.name}"
        inner = node.pointwise
        text = self.text(node, [self.value(part, inner) for part in inputs_of(node)])
        lines = self.inside if inner else self.before
        name = f"{self.prefix}{'v' if inner else 'u'}{len(self._names)}"
        lines.append(f"{name} = {text}")
        return name
