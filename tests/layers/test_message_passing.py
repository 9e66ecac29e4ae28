import torch
from torch import nn

from fredholm.layers.message_passing import Edges, MessagePassing
from fredholm.layers.perceptron import initialised

EXACT = {"rtol": 1e-9, "atol": 1e-9}
EDGES = torch.tensor([[1, 2, 0, 3, 3, 1], [0, 0, 1, 1, 1, 3]])


def test_means_are_taken_over_the_edges_that_lead_to_a_node() -> None:
    messages = torch.randn(6, 2, 3, dtype=torch.float64)
    mean = Edges(EDGES, receivers=4).double().mean(messages)
    torch.testing.assert_close(mean[0], messages[:2].mean(0), **EXACT)
    torch.testing.assert_close(mean[1], messages[2:5].mean(0), **EXACT)
    torch.testing.assert_close(mean[2], torch.zeros(2, 3, dtype=torch.float64))
    torch.testing.assert_close(mean[3], messages[5], **EXACT)


def test_weights_count_edges_and_zero_takes_them_away() -> None:
    messages = torch.randn(6, 2, 3, dtype=torch.float64)
    weights = torch.tensor([3.0, 1.0, 2.0, 0.0, 2.0, 0.0])
    mean = Edges(EDGES, receivers=4, weights=weights).double().mean(messages)
    torch.testing.assert_close(mean[0], (3 * messages[0] + messages[1]) / 4, **EXACT)
    torch.testing.assert_close(mean[1], (messages[2] + messages[4]) / 2, **EXACT)
    torch.testing.assert_close(mean[3], torch.zeros(2, 3, dtype=torch.float64))


def test_a_step_is_that_of_its_equation() -> None:
    """Products at nodes or at edges are the same; against a loop over edges on concatenated states."""
    with initialised(0):
        step = MessagePassing(4, nn.SiLU()).double()
    graph = Edges(EDGES, receivers=4).double()
    states, nodes = torch.randn(6, 1, 4, dtype=torch.float64), torch.randn(4, 2, 4, dtype=torch.float64)
    messages, after = step(graph, states, nodes, nodes)
    received = [torch.zeros(2, 4, dtype=torch.float64) for _ in range(4)]
    degree = torch.bincount(EDGES[1], minlength=4)
    for k, (j, i) in enumerate(EDGES.T.tolist()):
        one = step.message(torch.cat([states[k].expand(2, -1), nodes[j], nodes[i]], dim=-1))
        torch.testing.assert_close(messages[k], one, **EXACT)
        received[i] = received[i] + one / degree[i]
    expected = nodes + step.update(torch.cat([nodes, torch.stack(received)], dim=-1))
    torch.testing.assert_close(after, expected, **EXACT)


def test_the_order_of_edges_does_not_matter() -> None:
    with initialised(0):
        step = MessagePassing(4, nn.SiLU()).double()
    order = torch.tensor([4, 2, 0, 5, 1, 3])
    states, nodes = torch.randn(6, 2, 4, dtype=torch.float64), torch.randn(4, 2, 4, dtype=torch.float64)
    _, first = step(Edges(EDGES, 4).double(), states, nodes, nodes)
    _, second = step(Edges(EDGES[:, order], 4).double(), states[order], nodes, nodes)
    torch.testing.assert_close(first, second, **EXACT)
