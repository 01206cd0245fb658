"""``edge-export sign``: the maker's word that a bundle is the maker's."""
