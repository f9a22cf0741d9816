"""The letters that stand for array axes, the same in every comment of the project.

F frames     P people     K keypoints (134, layout in pose/keypoints.py)     J puppet joints (pose/skeleton.py)
H height     W width      pixels are (y, x); sizes are (width, height)
V vertices   T triangles  B bones
Networks: B rows of a batch   C channels   L tokens of a picture (its H W places)   S tokens of a context   N heads   D other widths
A clip inside a network is B F C H W.
Coordinates are picture pixels, x right and y down, 0 at the outer edge of the first pixel; z is in the same pixels, smaller = nearer.
"""

Size = tuple[int, int]  # width, height in pixels
