"""`fit` minimises what it is told to, by the steps it is told to take, and says when it cannot."""

import json
from pathlib import Path

import pytest
import torch
from least_squares import LINE, SAMPLES, SIGNATURE, Matrix, closed_form, data, everything, train
from torch import Tensor

from fredholm.data import WholeFields
from fredholm.errors import SignatureError, TrainingError
from fredholm.fields.signature import Function, Quantity, Signature
from fredholm.training import Checkpoints, Device, EarlyStopping, History, Hook, Settings, Validation, fit
from fredholm.training.checkpoint import load_state

EVERYTHING = WholeFields(SAMPLES)


def gradient(weight: Tensor) -> Tensor:
    """∂/∂W mean (s - W u)² = -2 (S - U Wᵀ)ᵀ U / (number of values)."""
    u, s = everything(data())
    return -2 * (s - u @ weight.T).T @ u / s.numel()


def test_descent_ends_at_the_closed_form() -> None:
    steps = lambda parameters: torch.optim.SGD(parameters, 1.5)  # noqa: E731
    operator, history = train(700, Settings(quiet=True), sampler=EVERYTHING, optimizer=steps)
    torch.testing.assert_close(operator.weight.detach(), closed_form(data()), atol=1e-4, rtol=0)
    u, s = everything(data())
    residual = (s - u @ closed_form(data()).T).square().mean()
    assert history.losses[-1][1] == pytest.approx(float(residual), rel=1e-4)


def test_lbfgs_ends_at_the_closed_form_in_a_few_steps() -> None:
    operator, _ = train(
        3, Settings(), sampler=EVERYTHING, optimizer=lambda p: torch.optim.LBFGS(p, line_search_fn="strong_wolfe")
    )
    torch.testing.assert_close(operator.weight.detach(), closed_form(data()), atol=1e-4, rtol=0)


def test_a_step_is_the_analytic_gradient() -> None:
    operator, history = train(1, Settings(), sampler=EVERYTHING)
    start = torch.zeros_like(operator.weight)
    torch.testing.assert_close(operator.weight.detach(), -0.1 * gradient(start))
    assert history.losses == [(1, pytest.approx(float(everything(data())[1].square().mean())))]


@pytest.mark.parametrize("share", [0.01, 0.5, 2.0])
def test_the_gradient_is_scaled_down_to_the_global_norm_and_never_up(share: float) -> None:
    whole = gradient(torch.zeros(8, 8))
    limit = share * float(whole.norm())
    operator, _ = train(1, Settings(clip=limit), sampler=EVERYTHING, optimizer=lambda p: torch.optim.SGD(p, 1.0))
    torch.testing.assert_close(operator.weight.detach(), -min(share, 1.0) * whole, rtol=1e-4, atol=1e-6)


def test_the_schedule_advances_every_step(tmp_path: Path) -> None:
    train(
        12,
        Settings(checkpoints=Checkpoints(tmp_path), log_every=1),
        schedule=lambda o: torch.optim.lr_scheduler.ExponentialLR(o, 0.7),
    )
    entries = [json.loads(line) for line in (tmp_path / "log.jsonl").read_text().splitlines()]
    assert [entry["learning_rate"] for entry in entries] == pytest.approx([0.1 * 0.7**i for i in range(1, 13)])


def test_bfloat16_computes_in_half_the_bits_and_keeps_weights_whole() -> None:
    seen: set[torch.dtype] = set()

    class Seeing(Matrix):
        def forward(self, inputs, query=None):
            product = super().forward(inputs, query)
            seen.add(product.dtype)
            return product

    torch.manual_seed(0)
    operator = Seeing(SIGNATURE, LINE)
    optimizer = torch.optim.SGD(operator.parameters(), 0.5)
    settings = Settings(device=Device("cpu", "bf16-mixed"))
    fit(operator, data(), sampler=EVERYTHING, iterations=300, optimizer=optimizer, settings=settings)
    assert seen == {torch.bfloat16}
    assert operator.weight.dtype == torch.float32
    error = (operator.weight.detach() - closed_form(data())).norm() / closed_form(data()).norm()
    assert 1e-5 < float(error) < 2e-2  # not the float32 path, and of bfloat16's accuracy


def test_equal_seeds_give_equal_bytes_and_leave_the_callers_random_state_alone() -> None:
    torch.manual_seed(1)
    before = torch.get_rng_state()
    first, _ = train(20, Settings(seed=3), dropout=0.3)
    assert torch.equal(torch.get_rng_state(), before)
    torch.manual_seed(2)
    second, _ = train(20, Settings(seed=3), dropout=0.3)
    other, _ = train(20, Settings(seed=4), dropout=0.3)
    assert torch.equal(first.weight, second.weight)
    assert not torch.equal(first.weight, other.weight)


def test_the_log_holds_the_mean_of_all_losses_since_the_entry_before(tmp_path: Path) -> None:
    each = train(25, Settings(log_every=1))[1].losses
    _, history = train(25, Settings(log_every=10, checkpoints=Checkpoints(tmp_path)))
    parts = [each[0:10], each[10:20], each[20:25]]
    means = [(part[-1][0], sum(loss for _, loss in part) / len(part)) for part in parts]
    assert [iteration for iteration, _ in history.losses] == [10, 20, 25]
    assert [loss for _, loss in history.losses] == pytest.approx([mean for _, mean in means])
    assert History.read(tmp_path / "log.jsonl").losses == history.losses


def test_validation_measures_without_disturbing(tmp_path: Path) -> None:
    validation = Validation(data(1, 10), every=5)
    plain, _ = train(20, Settings(), dropout=0.2)
    settings = Settings(validation=validation, checkpoints=Checkpoints(tmp_path))
    watched, history = train(20, settings, dropout=0.2)
    assert torch.equal(plain.weight, watched.weight)
    u, s = everything(validation.data)
    weights = LINE.weights().float()
    error = ((s - u @ watched.weight.detach().T).square() @ weights / (s.square() @ weights)).sqrt().mean()
    assert history.validation[-1] == (20, pytest.approx(float(error), rel=1e-5))
    assert [iteration for iteration, _ in history.validation] == [5, 10, 15, 20]


def test_the_best_checkpoint_is_of_the_lowest_validation_error(tmp_path: Path) -> None:
    class Spoil(Hook):
        def after_step(self, step: int) -> None:
            if step > 30:
                with torch.no_grad():
                    operator_weight[0].mul_(1.3)

    operator_weight: list[Tensor] = []

    def optimizer(parameters):
        operator_weight.extend(parameters)
        return torch.optim.SGD(operator_weight, 0.1)

    settings = Settings(
        hooks=(Spoil(),), validation=Validation(data(1, 10), every=10), checkpoints=Checkpoints(tmp_path)
    )
    _, history = train(60, settings, optimizer=optimizer)
    best = load_state(tmp_path / "best.safetensors")
    lowest = min(history.validation, key=lambda entry: entry[1])
    assert (best["iteration"], best["error"]) == lowest
    assert lowest[0] == 30
    operator = Matrix(SIGNATURE, LINE)
    operator.load_state_dict(best["operator"])
    assert settings.validation.error(operator, torch.device("cpu")) == lowest[1]


def test_early_stopping_ends_a_run_that_gets_no_better_and_stays_ended(tmp_path: Path) -> None:
    def settings() -> Settings:
        return Settings(
            validation=Validation(data(1, 10), every=10),
            hooks=(EarlyStopping(patience=3, margin=0.9),),
            checkpoints=Checkpoints(tmp_path),
        )

    _, history = train(5000, settings())
    errors = [error for _, error in history.validation]
    assert history.iterations < 5000
    best = float("inf")
    waited = 0
    for error in errors:
        best, waited = (error, 0) if error < 0.9 * best else (best, waited + 1)
    assert waited == 3
    assert train(5000, settings())[1].iterations == history.iterations


def test_small_gains_add_up_to_one_that_counts() -> None:
    stopping = EarlyStopping(patience=3, margin=0.9)
    for step in range(30):
        stopping.after_validation(step, 0.95**step)
    assert not stopping.finished


class Records(Hook):
    def __init__(self) -> None:
        self.calls: list[tuple[str, int]] = []

    def before_step(self, step: int) -> None:
        self.calls.append(("before", step))

    def after_backward(self, step: int) -> None:
        self.calls.append(("gradient", step))

    def after_step(self, step: int) -> None:
        self.calls.append(("after", step))

    def after_validation(self, step: int, error: float) -> None:
        self.calls.append(("validation", step))


def test_hooks_are_called_in_order() -> None:
    hook = Records()
    train(2, Settings(hooks=(hook,), validation=Validation(data(1, 4), every=2)))
    steps = [(name, step) for step in (1, 2) for name in ("before", "gradient", "after")]
    assert hook.calls == [*steps, ("validation", 2)]


def test_a_hook_may_change_the_gradient_before_it_is_clipped() -> None:
    class Doubles(Hook):
        def after_backward(self, step: int) -> None:
            weights[0].grad.mul_(2.0)

    weights: list[Tensor] = []

    def optimizer(parameters):
        weights.extend(parameters)
        return torch.optim.SGD(weights, 1.0)

    limit = 1.5 * float(gradient(torch.zeros(8, 8)).norm())
    operator, _ = train(1, Settings(hooks=(Doubles(),), clip=limit), sampler=EVERYTHING, optimizer=optimizer)
    torch.testing.assert_close(operator.weight.detach(), -1.5 * gradient(torch.zeros(8, 8)), rtol=1e-4, atol=1e-6)


class Bomb(Hook):
    """Makes the weights NaN after a step."""

    def __init__(self, at: int, weights: list[Tensor]) -> None:
        self.at, self.weights = at, weights

    def after_step(self, step: int) -> None:
        if step == self.at:
            with torch.no_grad():
                self.weights[0][0, 0] = float("nan")


@pytest.mark.parametrize(("at", "log_every"), [(21, 50), (20, 50), (21, 1), (20, 1), (39, 1000)])
def test_a_loss_that_is_not_finite_is_an_error_that_overwrites_nothing(tmp_path: Path, at: int, log_every: int) -> None:
    weights: list[Tensor] = []

    def optimizer(parameters):
        weights[:] = parameters
        return torch.optim.SGD(weights, 0.1)

    def run(name: str, iterations: int, bomb: int) -> None:
        settings = Settings(
            checkpoints=Checkpoints(tmp_path / name, every=10), hooks=(Bomb(bomb, weights),), log_every=log_every
        )
        train(iterations, settings, optimizer=optimizer)

    last = (at - 1) // 10 * 10
    run("good", last, bomb=0)
    with pytest.raises(TrainingError) as caught:
        run("bad", 60, bomb=at)
    message = str(caught.value)
    assert f"at iteration {at + 1}" in message or f"after iteration {at}" in message
    assert "learning rate of 1.00e-01" in message
    assert f"last.safetensors, is from iteration {last}" in message
    kept, good = (load_state(tmp_path / name / "last.safetensors") for name in ("bad", "good"))
    assert kept["iteration"] == last
    assert torch.equal(kept["operator"]["weight"], good["operator"]["weight"])
    best = tmp_path / "bad" / "best.safetensors"
    assert log_every > 10 or best.exists()
    assert not best.exists() or bool(load_state(best)["operator"]["weight"].isfinite().all())


def test_a_validation_error_that_is_not_a_number_is_never_the_best(tmp_path: Path) -> None:
    class Lost(Validation):
        def error(self, operator, device) -> float:
            return float("nan")

    _, history = train(20, Settings(validation=Lost(data(1, 4), every=5), checkpoints=Checkpoints(tmp_path)))
    assert history.best is None
    assert not (tmp_path / "best.safetensors").exists()


def test_early_stopping_without_validation_is_refused() -> None:
    with pytest.raises(TrainingError, match="EarlyStopping waits for validation errors"):
        train(5, Settings(hooks=(EarlyStopping(2),)))


def test_a_schedule_that_waits_for_errors_is_refused() -> None:
    with pytest.raises(TrainingError, match="ReduceLROnPlateau"):
        train(5, Settings(), schedule=torch.optim.lr_scheduler.ReduceLROnPlateau)


def test_data_of_another_signature_are_refused() -> None:
    on_line = SIGNATURE.output.domain
    operator = Matrix(Signature({"u": Function((Quantity("v", "m"),), on_line)}, SIGNATURE.output), LINE)
    with pytest.raises(SignatureError, match="the training data does not fit: input 'u'"):
        fit(operator, data(), sampler=EVERYTHING, iterations=1, optimizer=torch.optim.SGD(operator.parameters(), 0.1))


def test_the_history_plots_its_curves() -> None:
    _, history = train(40, Settings(log_every=10, validation=Validation(data(1, 4), every=20)))
    lines = history.plot().axes[0].get_lines()
    assert [list(line.get_xdata()) for line in lines] == [[10, 20, 30, 40], [20, 40]]
    assert [list(line.get_ydata()) for line in lines] == [
        [value for _, value in curve] for curve in (history.losses, history.validation)
    ]
