"""Animals: how large each species is, what its body is made of in each pose, how a herd stands."""
