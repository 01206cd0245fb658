"""Room on the disk: what of earlier flights goes, so that the present one can be written."""
