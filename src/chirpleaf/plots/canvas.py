"""Canvas: a figure that is drawn once, on which text can be written later, before it is encoded as PNG.

Drawing takes most of the time of a picture. It can be done before everything that the picture says is known.
"""

from io import BytesIO
from typing import Any

import numpy as np
from matplotlib import rc_context
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from chirpleaf.plots.style import SETTINGS

COMPRESSION = 3
"""Level of zlib. The usual one, level 6, takes 0.1 s longer for a corner plot that is 7 % smaller."""


class Canvas:
    """A drawn figure.

    Args:
        figure: The figure; artists that it gets later are not drawn unless by `write`.
    """

    def __init__(self, figure: Figure) -> None:
        self.figure = figure
        canvas: Any = FigureCanvasAgg  # matplotlib does not type its methods
        self._canvas = canvas(figure)
        self._canvas.draw()

    def write(self, text: Text) -> None:
        """Draw a text over the picture.

        Args:
            text: A text of the figure.
        """
        with rc_context(SETTINGS):
            text.draw(self._canvas.get_renderer())

    def encode(self) -> bytes:
        """The picture as a PNG file."""
        file, dpi = BytesIO(), self.figure.get_dpi()
        image = Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")
        image.save(file, format="png", compress_level=COMPRESSION, dpi=(dpi, dpi))
        return file.getvalue()
