"""Preparation: signals, labelled windows and leak-free folds from recordings."""
