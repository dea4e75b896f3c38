"""The report: one page from the outputs of all stages."""
