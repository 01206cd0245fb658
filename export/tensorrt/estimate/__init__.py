"""How long a frame may take on a board that nobody measured: a roofline of each part, checked against published times.

`work` counts what a frame does, `boards` says what a board can do, `roofline` divides the one by the other,
`published` holds times that others measured, of other networks, and how far the roofline is from them.
"""
