"""What exports are made of: the C program, the graph of NIR."""
