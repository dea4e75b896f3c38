"""What a network, and a spike code, reveal about the persons in its training set.

`membership` decides which persons each network is trained on, `answers` trains the
networks and queries them, `attacks` turns their answers into scores and `roc` these
into rates; `audit` is the chain of them. `identity` uses the spikes alone.
"""
