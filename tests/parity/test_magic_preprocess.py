"""Labels read back from the published colours."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file

from animato.pose.surface.densepose import PALETTE, coloured, nearest


@pytest.mark.parity("magic.preprocess*.safetensors")
def test_palette(fixture_file: Path) -> None:
    tensors = load_file(fixture_file)
    np.testing.assert_array_equal(PALETTE, tensors["outputs.palette_rgb"])
    np.testing.assert_array_equal(coloured(tensors["inputs.labels"]), tensors["outputs.labels_rgb"])
    np.testing.assert_array_equal(nearest(tensors["outputs.labels_rgb"]), tensors["inputs.labels"])
