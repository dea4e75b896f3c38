"""The model code that MLflow keeps beside a cell's weights and runs to serve it.

`mlflow.pyfunc.load_model` executes this file: the network is built again from its
settings and its safetensors, so nothing is unpickled. Only MLflow imports this module,
also when a model is logged: torch is imported when the model predicts.
"""

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np
import pandas as pd
from mlflow.exceptions import MlflowException

from pipeline import files
from pipeline.decisions.raw import Input, RawDecider
from pipeline.errors import PipelineError
from pipeline.training.cell import TrainedCell


class SpikingClassifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined,unused-ignore]
    """Recorded samples in, classes with probabilities out, by one fold's network."""

    def load_context(self, context: Any) -> None:
        """Read the settings; a fold's network is built when it is first asked for."""
        takes = files.load_json(Path(context.artifacts["input"]))
        cell = TrainedCell.at(Path(context.artifacts["run"]).parent)
        self.decider = RawDecider(cell, Input(tuple(takes["channels"]), takes["sfreq"]))

    def predict(
        self,
        context: Any,
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> pd.DataFrame:
        """Decide at the end of each excerpt.

        Parameters
        ----------
        context : PythonModelContext
            Not used: `load_context` took what it holds.
        model_input : array, shape (excerpt, time, channel)
            Volts, from the beginning of a recording, or of what is known of it.
        params : dict, optional
            `fold`: whose network decides; `sfreq`: samples per second.

        Returns
        -------
        decisions : DataFrame
            `predicted`, and `p_CLASS` of each class.

        Raises
        ------
        MlflowException
            There is no such fold, or the samples are not what the model takes.
        """
        asked = params or {}
        try:
            return self.decider.decide(
                np.asarray(model_input, np.float64),
                asked.get("fold"),
                asked.get("sfreq"),
            )
        except PipelineError as error:
            raise MlflowException.invalid_parameter_value(str(error)) from error


mlflow.models.set_model(SpikingClassifier())
