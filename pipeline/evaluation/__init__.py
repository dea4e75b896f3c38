"""From predictions to metrics, intervals over subjects and tests."""
