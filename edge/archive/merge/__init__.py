"""The results of an archive's units, put together again: flights, and the survey of all of them.

parts.py    the units of each flight, and what became of them
stitch.py   tracks that go on over the border of two units
join.py     one folder of several units
facts.py    their reports as one, and what is counted in all of them
merge.py    every flight, and the files of the survey
rows.py     the tracks of all flights, row by row; parquet.py: as GeoParquet
against.py  two jobs side by side
"""
