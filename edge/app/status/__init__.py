"""How a run goes, for programs: ``/healthz`` and ``/metrics`` over HTTP, by default for this machine alone."""
