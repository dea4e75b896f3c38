"""Figures that both the report and MLflow show."""
