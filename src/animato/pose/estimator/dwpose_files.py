"""DWPose's two files: their names, and what stands for the folder that they were fetched into. Needs nothing that is slow to import."""

DWPOSE = "dwpose"  # the folder of its two networks below the cache, once they were fetched
DWPOSE_FILES = ("yolox_l.onnx", "dw-ll_ucoco_384.onnx")  # the detector of people, the estimator of their points
FETCHED = "fetched"  # what people write in place of that folder
