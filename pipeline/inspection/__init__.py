"""What a data set holds, before anything is made of it: findings, text and a page."""
