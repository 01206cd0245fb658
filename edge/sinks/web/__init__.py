"""The page of a run, ``--web``: thermal picture, map, figures and events in any browser, live (extra ``web``).

    results -> WebSink -> Page (what it shows) -> Live.routes -> web_app (gate, files) -> Server (uvicorn, a thread)

`web_app` knows no run: it serves whatever routes it is given behind the same gate.
"""
