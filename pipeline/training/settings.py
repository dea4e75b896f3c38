"""Settings of training, apart, so that reading params.yaml imports no torch."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, PositiveInt
from pydantic_core import PydanticCustomError

from pipeline.components import Settings
from pipeline.errors import ConfigError
from pipeline.networks.base import Network
from pipeline.networks.parts.settings import LayeredNetwork


class TrainingSettings(Settings):
    """The settings of training."""

    epochs: PositiveInt = 20
    windows_per_class: Annotated[
        int,
        Field(ge=1, description="decisions of every class that are drawn in an epoch"),
    ] = 600
    validation_windows_per_class: Annotated[
        int,
        Field(ge=1, description="at most so many of a class validate an epoch, where "
              "networks restart; all do where they run on"),
    ] = 500  # fmt: skip
    batch: Annotated[
        PositiveInt, Field(description="windows, or training segments of what runs on")
    ] = 128
    segment_s: Annotated[
        float | None,
        Field(gt=0, le=3600, description="training segments of what runs on; null: one "
              "and a half windows, of which one is warm-up"),
    ] = None  # fmt: skip
    warm_up_s: Annotated[
        float | None,
        Field(ge=0, le=3600, description="of a segment, what comes before decisions "
              "count; null: the length of a window"),
    ] = None  # fmt: skip
    class_weights: Annotated[
        Literal["balanced", "square_root", "none"] | None,
        Field(description="what a decision counts in the loss, by the number of its "
              "class: 1/n, 1/√n or the same; null: 1/√n of decisions that share a "
              "segment, 1/n in a regression"),
    ] = None  # fmt: skip
    truncate_s: Annotated[
        float | None,
        Field(gt=0, le=3600, description="how far gradients go back through what runs "
              "on; null: to the start of the segment"),
    ] = None  # fmt: skip
    frozen_norm: Annotated[
        float,
        Field(ge=0, le=1, description="of the epochs, the last, in which a norm's mean "
              "and spread stay as they are"),
    ] = 0.3  # fmt: skip
    loss: Annotated[
        Literal["cross_entropy", "tet", "one_vs_rest"],
        Field(description="of the window's logits, of those at every step (TET), or "
              "of each class against the rest, the binary cross-entropy of its logit"),
    ] = "cross_entropy"  # fmt: skip
    select: Annotated[
        Literal["balanced_accuracy", "macro_f1"],
        Field(
            description="what the best epoch has most of on the validation decisions"
        ),
    ] = "balanced_accuracy"
    offsets: Annotated[
        Literal["none", "validation"],
        Field(description="added to the classes' logits after training: nothing, or "
              "what gives the validation decisions the highest macro F1"),
    ] = "none"  # fmt: skip
    learning_rate: Annotated[
        float, Field(gt=0, le=1, description="peak of the one-cycle schedule")
    ] = 0.005
    weight_decay: Annotated[
        float, Field(ge=0, le=10, description="of weights; dynamics have none")
    ] = 0.01
    patience: Annotated[
        int, Field(ge=1, description="epochs without a better one before stopping")
    ] = 10

    def check(self, network: LayeredNetwork) -> None:
        """Refuse networks that have no place for offsets, or choose in their own way.

        Raises
        ------
        ConfigError
        """
        rewarded = network.local is not None and network.local.reward is not None
        if self.offsets != "none" and (
            rewarded or network.read_out not in ("rates", "count")
        ):
            raise ConfigError(
                "params.yaml: models.*.network",
                "a read-out to whose logits no bias is added as it is, but "
                f"training.offsets is {self.offsets}",
                expected="read_out: rates or count, without reward",
                remedy="set training.offsets to none, or choose another read_out",
            )
        if self.select != "balanced_accuracy" and rewarded:
            raise ConfigError(
                "params.yaml: models.*.network.reward",
                f"learning from reward, but training.select is {self.select}",
                expected="select: balanced_accuracy, by which it chooses",
                remedy="set training.select to balanced_accuracy, or take out `reward`",
            )


def _new_name(method: Any) -> Any:
    if method == "lamps":
        raise PydanticCustomError("renamed", "lamp, the new name of 'lamps'")
    return method


class PruningSettings(Settings):
    """Weights that are taken away after training."""

    method: Annotated[
        Literal["magnitude", "lamp"],
        BeforeValidator(_new_name),
        Field(description="which weights matter least: the smallest, or those that "
              "carry least of their layer"),
    ] = "lamp"  # fmt: skip
    share: Annotated[
        float, Field(ge=0, lt=1, description="of all weights that are taken away")
    ]
    epochs: Annotated[
        int, Field(ge=1, description="of training what is left, after pruning")
    ] = 5


class CutoffSettings(Settings):
    """Windows that are decided before their end."""

    agreement: Annotated[
        float,
        Field(ge=0.5, le=1, description="of early decisions with those of the full "
              "window, in validation"),
    ] = 0.99  # fmt: skip


class SparsitySettings(Settings):
    """Sparsity settings; without any of them, training is unchanged."""

    rate_target_hz: Annotated[
        float, Field(gt=0, le=1000, description="mean spike rate asked of every layer")
    ] = 10.0
    rate_weight: Annotated[
        float, Field(ge=0, le=1000, description="what missing the target costs; 0: off")
    ] = 0.0
    hoyer_weight: Annotated[
        float,
        Field(ge=0, le=1000, description="what a layer costs whose outputs are all "
              "alike and not 0; 0: off"),
    ] = 0.0  # fmt: skip
    pruning: PruningSettings | None = None
    cutoff: CutoffSettings | None = None

    @property
    def penalised(self) -> bool:
        """Whether anything is added to the loss."""
        return self.rate_weight > 0 or self.hoyer_weight > 0

    def check(self, network: Network) -> None:
        """Refuse what would change nothing in a network, or does not fit it.

        Raises
        ------
        ConfigError
        """
        if self.penalised and not network.learns_activity:
            raise ConfigError(
                "params.yaml: models.*.sparsity",
                "a penalty on the activity of layers, of which none learns by gradient",
                expected="rate_weight: 0 and hoyer_weight: 0, or another network",
                remedy="set both weights to 0, or choose another network",
            )
        if self.pruning and not network.prunable:
            raise ConfigError(
                "params.yaml: models.*.sparsity.pruning",
                "pruning, but all weights of the network learn by local rules",
                expected="no pruning, or a read-out that learns by gradient",
                remedy="take out `pruning`, or choose another read_out",
            )
        if self.cutoff and network.restarts != "windows":
            raise ConfigError(
                "params.yaml: models.*.sparsity.cutoff",
                "early decisions of windows, but the network has restart: "
                f"{network.restarts}",
                expected="restart: windows",
                remedy="set models.*.network.restart to windows, or cutoff to null",
            )
