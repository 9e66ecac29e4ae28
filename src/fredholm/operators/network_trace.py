"""One run of a network, watched: on which grids its layers work, and what it does without a layer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode
from torch.utils.hooks import RemovableHandle

_OF_PIXELS = (  # functions that count points, so that they mean something else on every grid
    *(f"conv{d}d" for d in (1, 2, 3)),
    *(f"conv_transpose{d}d" for d in (1, 2, 3)),
    *(f"{kind}_pool{d}d" for kind in ("max", "avg", "adaptive_avg", "adaptive_max", "lp") for d in (1, 2, 3)),
    *("interpolate", "upsample", "pad", "pixel_shuffle", "pixel_unshuffle", "unfold", "fold", "roll"),
)


@dataclass
class NetworkTrace:
    """What one run showed.

    Args:
        shapes: for each layer by name, on which grids (without batch and channels) its first input and its output
        were. loose: functions of pixels that are called outside of layers, as "function in layer".
    """

    shapes: dict[str, set[tuple[tuple[int, ...], tuple[int, ...]]]] = field(default_factory=dict)
    loose: list[str] = field(default_factory=list)

    @classmethod
    def of(cls, network: nn.Module, example: Tensor, closed: Callable[[nn.Module], bool]) -> "NetworkTrace":
        """Run the network on an example; what happens inside of `closed` layers is theirs."""
        watch = _Watch(closed)
        with watch.watching(network), watch:
            network(example)
        return watch.trace


def failure_of(network: nn.Module, example: Tensor) -> str | None:
    """In which layer a run fails, and with what words; None if it does not fail."""
    watch = _Watch(lambda module: False)
    try:
        with watch.watching(network):
            network(example)
    except Exception as error:  # a network of the user's may raise anything
        first = next(iter(str(error).splitlines()), type(error).__name__)
        return f"{watch.innermost}: {first}"
    return None


class _Watch(TorchFunctionMode):
    """Knows which layers a run is in, and sees the functions that it calls there."""

    def __init__(self, closed: Callable[[nn.Module], bool]) -> None:
        super().__init__()
        self.closed, self.inside, self.trace = closed, list[tuple[str, nn.Module]](), NetworkTrace()

    @property
    def innermost(self) -> str:
        name, module = self.inside[-1]
        return repr(name) if name else type(module).__name__

    @contextmanager
    def watching(self, network: nn.Module) -> Iterator[None]:
        """Within, runs of the network are watched; they are evaluations without gradients."""
        hooks: list[RemovableHandle] = []
        for name, module in network.named_modules():
            hooks.append(module.register_forward_pre_hook(self._entering(name)))
            hooks.append(module.register_forward_hook(self._leaving(name)))
        training = network.training
        try:
            with torch.no_grad():
                network.eval()
                yield
        finally:
            network.train(training)
            for hook in hooks:
                hook.remove()

    def _entering(self, name: str) -> Callable[[nn.Module, Any], None]:
        return lambda module, arguments: self.inside.append((name, module))

    def _leaving(self, name: str) -> Callable[[nn.Module, Any, Any], None]:
        def hook(module: nn.Module, arguments: Any, result: Any) -> None:
            self.inside.pop()
            if arguments and isinstance(arguments[0], Tensor) and isinstance(result, Tensor):
                seen = tuple(arguments[0].shape[2:]), tuple(result.shape[2:])
                self.trace.shapes.setdefault(name, set()).add(seen)

        return hook

    def __torch_function__(self, function: Any, types: Any, arguments: Any = (), named: Any = None) -> Any:
        called = getattr(function, "__name__", "")
        if called in _OF_PIXELS and not any(self.closed(module) for _, module in self.inside):
            call = f"{called} in {self.innermost}"
            if call not in self.trace.loose:
                self.trace.loose.append(call)
        return function(*arguments, **(named or {}))
