"""Studies: a paper's claim as an experiment that anyone can run."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

from fredholm.errors import UnknownNameError

if TYPE_CHECKING:
    from fredholm.evaluation.study_report import StudyReport
    from fredholm.studies.study import Study

STUDIES = {  # slug: module and class; loaded when shown or run
    "cfdbench": ("fredholm.studies.cfdbench", "CFDBenchStudy"),
    "co2-transport": ("fredholm.studies.co2_transport", "CO2Transport"),
    "deblurring-stability": ("fredholm.studies.deblurring_stability", "DeblurringStability"),
    "deep-conjugate-direction": ("fredholm.studies.deep_conjugate_direction", "DeepConjugateDirection"),
    "deeponet": ("fredholm.studies.deeponet", "DeepONetStudy"),
    "dgno": ("fredholm.studies.dgno", "DGNO"),
    "diesel-digital-twin": ("fredholm.studies.diesel_digital_twin", "DieselDigitalTwin"),
    "diesel-gas-flow": ("fredholm.studies.diesel_gas_flow", "DieselGasFlow"),
    "latent-spectral-models": ("fredholm.studies.latent_spectral_models", "LatentSpectralModels"),
    "learned-proximal-networks": ("fredholm.studies.learned_proximal_networks", "LearnedProximalNetworks"),
    "mgno": ("fredholm.studies.mgno", "MgNOStudy"),
    "mg-tfno": ("fredholm.studies.mg_tfno", "MultigridTFNO"),
    "mt-deeponet": ("fredholm.studies.mt_deeponet", "MultiTaskDeepONet"),
    "nn-to-no": ("fredholm.studies.nn_to_no", "NetworksToOperators"),
    "online-surrogate-training": ("fredholm.studies.online_surrogate_training", "OnlineSurrogateTraining"),
    "sound-propagation": ("fredholm.studies.sound_propagation", "SoundPropagation"),
    "transform-once": ("fredholm.studies.transform_once", "TransformOnce"),
}


def study_named(name: str) -> "Study":
    """The study `name`; raises UnknownNameError with the nearest one."""
    if name not in STUDIES:
        raise UnknownNameError("study", name, STUDIES)
    module, kind = STUDIES[name]
    study: Study = getattr(import_module(module), kind)()
    return study


def run_study(name: str, budget: str, seed: int, directory: Path, say: Callable[[str], None]) -> "StudyReport":
    """Run a study and write its report into `directory`; raises UnknownNameError for a name or budget that is none."""
    from fredholm.studies.study import Budget, Run

    study = study_named(name)
    if budget not in list(Budget):
        raise UnknownNameError("budget", budget, [choice.value for choice in Budget])
    report = study.run(Run(Budget(budget), seed, directory, say))
    report.write(directory)
    return report
