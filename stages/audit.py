"""audit: what a network reveals about the persons in its training set."""

from pipeline.parallel import start_importing
from stages import Stage, run

SECTIONS = ("audit", "evaluation")


def main(stage: Stage) -> str:
    """Train networks like a cell's, on persons that are known, and attack them."""
    start_importing("stages", "pipeline.privacy.answers")
    from pipeline.privacy.audit import audit
    from pipeline.privacy.words import headline

    settings, evaluation = stage.read("audit"), stage.read("evaluation")
    return headline(audit(stage.label, settings, evaluation))


if __name__ == "__main__":
    run(main, axes=("dataset", "encoder", "model"), sections=SECTIONS)
