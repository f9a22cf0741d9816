"""Motion: keypoints, their estimation, smoothing, alignment and drawing."""
