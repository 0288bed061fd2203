"""Make the font of the site's equations: the glyphs that they need, from TeX Gyre Termes Math.

    apt-get install fonts-texgyre-math && pip install fonttools brotli
    python scripts/site/make_font.py /usr/share/texmf/fonts/opentype/public/tex-gyre-math/texgyretermes-math.otf

The result is `docs/style/equations.woff2`. The GUST Font License asks that modified fonts have another name.
"""

import sys
from pathlib import Path

from fontTools import subset
from fontTools.ttLib import TTFont

NAME = "chirpleaf equations"
RANGES = (
    (0x20, 0x7E),
    (0xA0, 0xFF),
    (0x2C6, 0x2DD),
    (0x300, 0x338),
    (0x391, 0x3F6),
    (0x2010, 0x2044),
    (0x2057, 0x2057),
    (0x2061, 0x2063),
    (0x20D0, 0x20F0),
    (0x2102, 0x2138),
    (0x2190, 0x21D5),
    (0x2200, 0x22F1),
    (0x2308, 0x230B),
    (0x23DC, 0x23E1),
    (0x27E6, 0x27EF),
    (0x2A0C, 0x2A7E),
    (0x1D400, 0x1D537),
    (0x1D6A4, 0x1D755),
)
"""Code points: Latin, Greek, accents, operators, arrows, brackets, and the italic, bold and script alphabets."""


def main(source: Path) -> None:
    """Writes the font.

    Args:
        source: TeX Gyre Termes Math as OpenType.
    """
    font = TTFont(source)
    chooser = subset.Subsetter(subset.Options(layout_features=["*"], name_IDs=[1, 2, 4, 6, 13, 14], hinting=False))
    chooser.populate(unicodes=[code for first, last in RANGES for code in range(first, last + 1)])
    chooser.subset(font)
    for record in font["name"].names:
        if record.nameID in (1, 4, 6):
            record.string = NAME if record.nameID != 6 else NAME.replace(" ", "-")
    font.flavor = "woff2"
    font.save(Path(__file__).parents[2] / "docs" / "style" / "equations.woff2")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
