"""From recordings to signals, labelled windows and leak-free folds."""
