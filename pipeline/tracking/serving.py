"""The model code that MLflow keeps beside a cell's weights and runs to serve it.

`mlflow.pyfunc.load_model` executes this file: the network is built again from its
settings and its safetensors, so nothing is unpickled. Only MLflow imports this module,
also when a model is logged: torch is imported when the model predicts.
"""

from pathlib import Path
from typing import Any

import mlflow.pyfunc
import numpy as np

from pipeline.training.cell import TrainedCell


class SpikingClassifier(mlflow.pyfunc.PythonModel):  # type: ignore[misc,name-defined,unused-ignore]
    """Spikes in, class probabilities out, by the network of one fold."""

    def load_context(self, context: Any) -> None:
        """Read the settings; a fold's network is built when it is first asked for."""
        self.cell = TrainedCell.at(Path(context.artifacts["run"]).parent)

    def predict(
        self,
        context: Any,
        model_input: np.ndarray,
        params: dict[str, Any] | None = None,
    ) -> np.ndarray:
        """Compute class probabilities.

        Parameters
        ----------
        context : PythonModelContext
            Not used: `load_context` took what it holds.
        model_input : array, shape (batch, time, feature)
            Windows of spikes, 0 and 1.
        params : dict, optional
            `fold`: whose network to use; default: the first fold.

        Returns
        -------
        probabilities : array, shape (batch, class), float32
        """
        import torch

        number = (params or {}).get("fold", self.cell.folds[0].number)
        network = self.cell.fold(int(number)).network
        spikes = torch.from_numpy(np.ascontiguousarray(model_input, dtype=np.float32))
        with torch.inference_mode():
            logits = network(spikes.transpose(0, 1).contiguous())
        return np.asarray(logits.softmax(dim=1))


mlflow.models.set_model(SpikingClassifier())
