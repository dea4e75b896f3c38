"""What a network, and a spike code, give away about the persons who taught it.

`membership` decides which persons teach which network, `teaching` trains these and asks
them, `attacks` turns the answers into scores and `roc` into rates; `audit` is the chain
of them. `identity` asks the spikes alone.
"""
