"""What learning by local rules is made of: states, learners, populations."""
