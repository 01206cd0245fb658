"""How good a detector is: average precision, matches, hard examples, pictures of them."""
