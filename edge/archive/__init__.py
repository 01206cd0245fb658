"""Many flights: a folder of stills, recordings and videos, detected in again by a better model.

unit.py      a unit: what one worker takes at a time
find.py      which units are below a folder, and what cannot be read
digests.py   what the files hold, remembered between two plans
manifest.py  the list of all units, on the disk
"""
