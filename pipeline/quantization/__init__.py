"""Networks in integers: what a microcontroller without floating point computes."""
