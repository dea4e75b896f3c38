"""Evaluation: metrics, intervals over subjects and tests from predictions."""
