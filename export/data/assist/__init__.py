"""Help for those who label: boxes proposed by a model and by tracks, and which frames are worth labelling next."""
