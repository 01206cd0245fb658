"""The parts of the page that its scripts fill: proofs, map, tracks, and the viewer of one of them."""

from __future__ import annotations

from edge.app.after.page.rows import Rows
from edge.app.after.page.words import many, number, section, text
from edge.app.after.survey.survey import Survey

NO_SCRIPT = (
    '<noscript><p class="note">This part needs JavaScript, which is switched off here. The tracks stand in tracks.csv, '
    "too.</p></noscript>"
)
MAP_HINT = "Point at a track to read its place; click it for its pictures. Arrow keys move, + and - zoom, 0 shows all."


def proofs(rows: Rows) -> str:
    """Each counted individual opens its pictures; "" where nothing was counted."""
    if not (rows.columns["animal"] > 0).any():
        return ""
    lead = "Each counted individual with the tracks that it is made of. Open one to page through its pictures."
    body = (
        f'{NO_SCRIPT}<div class="controls"><label for="proof-class">class<select id="proof-class"><option value="">all'
        '</option></select></label><label for="proof-size">on a page<select id="proof-size"><option>24</option><option>'
        '96</option><option value="0">all, for printing</option></select></label></div>'
        '<div class="pages" id="proof-cards-pages"></div><div class="cards" id="proof-cards"></div>'
    )
    return section("proofs", "Proofs", body, lead)


def the_map(survey: Survey, placed: int) -> str:
    """Where everything stands; in words why there is none."""
    if survey.home is None:
        body = (
            '<p class="none">No map: nobody knows where the aircraft was. Run again with --pose and --lens: a log of '
            "the autopilot (tlog:FILE), a drone's subtitles (srt:FILE) or the live link (mavlink:...) has poses.</p>"
        )
        return section("map", "Map", body)
    layers = (
        ("searched", "searched", any(flight.ground for flight in survey.flights)),
        ("gaps", "gaps", any(flight.ground for flight in survey.flights)),
        ("seen", "ground in the pictures", any(flight.frames.seen.at for flight in survey.flights)),
        ("way", "way of the aircraft", any(flight.frames.way.at for flight in survey.flights)),
        ("errors", "error circles", placed > 0),
        ("names", "numbers", placed > 0),
    )
    boxes = "".join(
        f'<label class="row" for="map-{name}"><input type="checkbox" id="map-{name}" checked>{text(words)}</label>'
        for name, words, there in layers
        if there
    )
    label = f"Map of {many(placed, 'track')}, north up. All places stand in the table of tracks, too."
    body = (
        f'{NO_SCRIPT}<div class="controls"><button type="button" id="map-in" aria-label="zoom in">+</button><button '
        'type="button" id="map-out" aria-label="zoom out">−</button><button type="button" id="map-fit">Show all'
        f'</button>{boxes}</div><canvas id="map-canvas" tabindex="0" role="img" aria-label="{text(label)}"></canvas>'
        '<p class="small" id="map-told"></p>'
    )
    lead = (
        "North is up; the grid is in metres. A dot is a track, full where it is counted; the circle holds the true "
        "place in 68 of 100 cases."
    )
    return section("map", "Map", body, lead)


def tracks(survey: Survey, rows: Rows, reviewed: bool) -> str:
    """All tracks, to be filtered and sorted."""
    if not len(rows):
        return section("tracks", "Tracks", '<p class="none">No track was kept.</p>')
    more = ""
    if rows.left_out:
        more = (
            f'<p class="note">{text(many(rows.left_out, "track"))} with the lowest scores are not on this page, which '
            f"shows {text(number(len(rows)))}: tracks.csv has all.</p>"
        )
    choice = _choice("class", "class", ())
    if survey.many:
        choice += _choice("flight", "flight", ())
    if survey.counts is not None:
        choice += _choice("counted", "counted", (("1", "yes"), ("0", "no")))
    if reviewed:
        words = (("1", "right"), ("2", "wrong"), ("3", "unsure"), ("0", "not reviewed"))
        choice += _choice("verdict", "review", words)
    fields = (
        '<label for="filter-score">score from<input type="number" id="filter-score" min="0" max="1" step="0.05">'
        "</label>"
        '<label for="filter-celsius">°C max from<input type="number" id="filter-celsius" step="1"></label>'
        '<label for="filter-track">track<input type="text" id="filter-track" inputmode="numeric" maxlength="10">'
        "</label>"
    )
    views = (
        '<label class="row" for="view-table"><input type="radio" name="view" id="view-table" checked>table</label>'
        '<label class="row" for="view-cards"><input type="radio" name="view" id="view-cards">pictures</label>'
    )
    body = (
        f'{NO_SCRIPT}{more}<form id="filters" class="controls" aria-label="filter tracks">{choice}{fields}{views}'
        '<button type="reset">Clear</button></form>'
        '<div class="pages" id="track-rows-pages"></div><div class="pages" id="track-cards-pages" hidden></div>'
        '<div class="wide" id="track-table"><table><caption class="unseen">Tracks</caption><thead><tr id="track-head">'
        '</tr></thead><tbody id="track-rows"></tbody></table></div><div class="cards" id="track-cards" hidden></div>'
    )
    lead = "Everything that was followed, counted or not. A heading sorts; a number opens the track's pictures."
    return section("tracks", "Tracks", body, lead)


def viewer() -> str:
    """The dialog that shows one individual or one track."""
    return (
        '<dialog id="viewer" aria-labelledby="viewer-title"><div class="viewer"><h2 id="viewer-title"></h2>'
        '<form method="dialog" class="close"><button aria-label="close">Close</button></form>'
        '<figure><img id="viewer-image" alt=""><p id="viewer-none" hidden></p><div class="turn">'
        '<button type="button" id="viewer-back" aria-label="picture before">‹</button>'
        '<span id="viewer-page" aria-live="polite"></span>'
        '<button type="button" id="viewer-next" aria-label="next picture">›</button></div></figure>'
        '<div><dl class="facts" id="viewer-facts"></dl><div class="turn">'
        '<button type="button" id="viewer-before">Before</button><span id="viewer-at" aria-live="polite"></span>'
        '<button type="button" id="viewer-after">Next</button></div>'
        '<p><button type="button" id="viewer-map">Show on map</button></p>'
        '<p class="small">Keys: ← → pictures, ↑ ↓ one before, one after, Esc closes.</p></div></div></dialog>'
    )


def _choice(name: str, title: str, options: tuple[tuple[str, str], ...]) -> str:
    rows = "".join(f'<option value="{value}">{text(words)}</option>' for value, words in options)
    return (
        f'<label for="filter-{name}">{text(title)}<select id="filter-{name}"><option value="">all</option>{rows}'
        "</select></label>"
    )
