"""The antiderivative: exact for cubics, fourth order in the sensor spacing, linear."""

import torch

from fredholm.problems import Antiderivative


def polynomial(problem: Antiderivative) -> torch.Tensor:
    x = problem.line.axes[0].points()
    return (4 * x**3 - 3 * x**2 + 2 * x - 1).float().reshape(1, 1, -1)


def test_cubic_polynomials_are_integrated_exactly() -> None:
    problem = Antiderivative(sensors=20)
    y = torch.rand(1, 50, 1, generator=torch.Generator().manual_seed(0))
    exact = (y**4 - y**3 + y**2 - y)[..., 0].unsqueeze(1)
    torch.testing.assert_close(problem.solve_at({"u": polynomial(problem)}, y), exact, atol=1e-6, rtol=0)


def test_error_falls_with_the_fourth_power_of_the_spacing() -> None:
    errors = []
    for sensors in (9, 17, 33):
        problem = Antiderivative(sensors=sensors)
        x = problem.line.axes[0].points()
        s = problem.solve({"u": torch.sin(5 * x).float().reshape(1, 1, -1)})[0, 0, -1].double()
        errors.append(abs(s.item() - (1 - torch.cos(torch.tensor(5.0, dtype=torch.float64)).item()) / 5))
    assert errors[0] / errors[1] > 12
    assert errors[1] / errors[2] > 8  # rounding of float32 inputs is near


def test_each_sample_is_evaluated_at_its_own_points() -> None:
    problem = Antiderivative()
    inputs = problem.sample(6, seed=3)
    query = torch.rand(6, 4, 1, generator=torch.Generator().manual_seed(1))
    together = problem.solve_at(inputs, query)
    for i in range(6):
        alone = problem.solve_at({"u": inputs["u"][i : i + 1]}, query[i : i + 1])
        torch.testing.assert_close(together[i : i + 1], alone, atol=1e-7, rtol=0)


def test_samples_have_the_covariance_of_their_kernel() -> None:
    problem = Antiderivative(sensors=11, correlation_length=0.3)
    u = problem.sample(4000, seed=0)["u"][:, 0].double()
    x = problem.line.axes[0].points()
    kernel = torch.exp(-((x[:, None] - x) ** 2) / (2 * 0.3**2))
    assert (u.T @ u / len(u) - kernel).abs().max() < 0.1  # four standard errors
