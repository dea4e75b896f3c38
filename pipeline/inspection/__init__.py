"""Inspection of a data set before any stage: findings, text and a page."""
