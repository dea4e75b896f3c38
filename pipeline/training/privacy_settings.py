"""Settings of certified protection, apart: reading params.yaml imports no torch."""

from typing import Annotated

from pydantic import Field, model_validator

from pipeline.components import Settings
from pipeline.errors import ConfigError
from pipeline.networks.base import Network
from pipeline.training.settings import SparsitySettings, TrainingSettings


class PrivacySettings(Settings):
    """Certified protection of the persons who train; off without epsilon and noise.

    What a network learns from a person is bounded, and hidden in noise;
    `pipeline.training.private` has the equations.
    """

    epsilon: Annotated[
        float | None,
        Field(gt=0, le=1000, description="of each network, for a person who trains; "
              "the noise is found for it"),
    ] = None  # fmt: skip
    noise: Annotated[
        float | None,
        Field(gt=0, le=1000, description="instead of epsilon: standard deviation of "
              "the noise on a sum of gradients, in clips"),
    ] = None  # fmt: skip
    delta: Annotated[
        float | None,
        Field(gt=0, lt=1, description="below 1/persons; null: a tenth of that"),
    ] = None  # fmt: skip
    clip: Annotated[
        float, Field(gt=0, le=1e6, description="largest norm of a person's gradient")
    ] = 1.0
    persons_per_step: Annotated[
        float, Field(gt=0, description="persons that are drawn a step, on average")
    ] = 8
    steps: Annotated[
        int, Field(ge=10, le=10**6, description="steps of training, always as many")
    ] = 200

    @model_validator(mode="after")
    def _check_one(self) -> "PrivacySettings":
        absent = [self.epsilon, self.noise].count(None)
        fields = type(self).model_fields
        defaults = {name: field.default for name, field in fields.items()}
        if absent == 0 or (absent == 2 and dict(self) != defaults):
            raise ValueError("either epsilon or noise is to be set, and not both")
        return self

    @property
    def certified(self) -> bool:
        """Whether protection is asked for."""
        return self.epsilon is not None or self.noise is not None

    def check(
        self, network: Network, training: TrainingSettings, sparsity: SparsitySettings
    ) -> None:
        """Refuse what would learn from persons without noise, where they are protected.

        Raises
        ------
        ConfigError
        """
        if not self.certified:
            return
        for found, expected, remedy in _faults(network, training, sparsity):
            raise ConfigError(
                "params.yaml: models.*.privacy",
                f"certified protection, but {found}",
                expected=expected,
                remedy=remedy,
            )


def _faults(
    network: Network, training: TrainingSettings, sparsity: SparsitySettings
) -> list[tuple[str, str, str]]:
    """List what is found, what is expected and what is to be done."""
    known = [
        (
            network.local is not None,
            "the network learns by local rules, which nothing bounds",
            "a network that learns by gradients alone",
            "choose another network, or take out `privacy`",
        ),
        (
            network.mixes_persons,
            "the network has a norm over batches, which mixes persons",
            "norm: none",
            "set models.*.network.norm to none",
        ),
        (
            training.patience < training.epochs,
            f"training.patience {training.patience} stops early, before the last of "
            f"{training.epochs} epochs",
            "a number of steps that no result decides",
            "set training.patience to training.epochs, or more",
        ),
        (
            training.select != "balanced_accuracy",
            f"training.select {training.select} chooses an epoch",
            "the last step's network, which is always kept",
            "take out training.select",
        ),
        (
            training.offsets != "none",
            f"training.offsets {training.offsets} adds what was fitted without noise",
            "offsets: none",
            "set training.offsets to none",
        ),
        (
            sparsity.pruning is not None,
            "pruning trains what is left once more",
            "no pruning",
            "take out models.*.sparsity.pruning",
        ),
        (
            sparsity.cutoff is not None,
            "the cutoff is fitted to persons without noise",
            "no cutoff",
            "set models.*.sparsity.cutoff to null",
        ),
    ]
    return [(found, wanted, remedy) for wrong, found, wanted, remedy in known if wrong]
